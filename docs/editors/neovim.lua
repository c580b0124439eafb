-- Neovim 0.11 or newer: in init.lua, or as ~/.config/nvim/plugin/hbuild.lua.
vim.filetype.add({ extension = { hb = "hbuild" } })
vim.lsp.config("hbuild", { cmd = { "hbuild", "lsp" }, filetypes = { "hbuild" }, root_markers = { "hbuild.lock", ".git" } })
vim.lsp.enable("hbuild")
vim.api.nvim_create_autocmd("FileType", {
  pattern = "hbuild",
  callback = function(event)
    vim.bo[event.buf].commentstring = "# %s"
    vim.bo[event.buf].shiftwidth = 2
    vim.bo[event.buf].expandtab = true
  end,
})
vim.api.nvim_create_autocmd("BufWritePre", {
  pattern = "*.hb",
  callback = function(event) vim.lsp.buf.format({ bufnr = event.buf, name = "hbuild" }) end,
})
