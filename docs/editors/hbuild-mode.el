;;; hbuild-mode.el --- Recipes of hbuild -*- lexical-binding: t -*-
;; Emacs 29 or newer: (load "…/hbuild-mode.el") in the init file.

(defvar hbuild-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?\" "\"" table)
    (modify-syntax-entry ?- "_" table)
    table))

(defvar hbuild-font-lock
  `((,(regexp-opt '("for" "in" "when" "match" "is" "use" "import" "let" "fn" "and" "or" "not") 'symbols)
     . font-lock-keyword-face)
    ("^[ \t]*\\(source\\|build\\|image\\|repository\\|step\\|test\\|waive\\)[ \t]+\\([a-z0-9-]+\\|\"[^\"]*\"\\)[ \t]*{"
     (1 font-lock-keyword-face) (2 font-lock-type-face t))
    (,(regexp-opt '("true" "false" "none" "alpine" "debian" "amd64" "arm64" "runtime" "dev") 'symbols)
     . font-lock-constant-face)
    ("\\_<\\([A-Za-z_][A-Za-z0-9_-]*\\)[ \t]*\\+?=[^=>]" 1 font-lock-variable-name-face)))

(define-derived-mode hbuild-mode prog-mode "hbuild"
  "Recipes of hbuild."
  (setq-local comment-start "# " comment-end "" indent-tabs-mode nil tab-width 2)
  (setq-local font-lock-defaults '(hbuild-font-lock)))

(add-to-list 'auto-mode-alist '("\\.hb\\'" . hbuild-mode))
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '(hbuild-mode "hbuild" "lsp")))
(add-hook 'hbuild-mode-hook #'eglot-ensure)

(provide 'hbuild-mode)
