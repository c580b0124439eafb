-- A session of Neovim's own client with `hbuild lsp`: what a person does, and what must come of it.
-- Arguments by environment: HBUILD, the program; FOLDER, where tool.hb is.
local program, folder = os.getenv("HBUILD"), os.getenv("FOLDER")
local path = folder .. "/tool.hb"

local function fail(what, found)
  io.stderr:write("FAILED " .. what .. ": " .. vim.inspect(found) .. "\n")
  vim.cmd("cquit 1")
end

local function check(what, truth, found)
  if not truth then fail(what, found) end
end

vim.cmd("edit " .. path)
local buffer = vim.api.nvim_get_current_buf()
local config = { name = "hbuild", cmd = { program, "lsp" }, root_dir = folder }
local id
if vim.lsp.start then
  id = vim.lsp.start(config)
else
  id = vim.lsp.start_client(config)
  vim.lsp.buf_attach_client(buffer, id)
end
local function client() return vim.lsp.get_client_by_id(id) end
check("attached", vim.wait(20000, function()
  return client() ~= nil and client().server_capabilities ~= nil and client().server_capabilities.hoverProvider
end, 20), id)

local function text() return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n") .. "\n" end

-- Line and character from 0 of the first place of `word`, `inside` bytes into it.
local function find(word, inside)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(buffer, 0, -1, false)) do
    local at = line:find(word, 1, true)
    if at then return { line = number - 1, character = at - 1 + (inside or 0) } end
  end
  fail("no such text", word)
end

local function ask(method, more)
  local params = vim.tbl_extend("force", { textDocument = { uri = vim.uri_from_bufnr(buffer) } }, more)
  local answers = vim.lsp.buf_request_sync(buffer, method, params, 20000)
  local answer = answers and answers[id]
  if not answer or answer.err or answer.error then fail(method, answers) end
  return answer.result
end

local function diagnostics(count)
  local reached = vim.wait(20000, function() return #vim.diagnostic.get(buffer) == count end, 20)
  check("diagnostics", reached, vim.diagnostic.get(buffer))
  return vim.diagnostic.get(buffer)
end

local encoding = client().offset_encoding or "utf-16"

local found = diagnostics(1)
check("code", found[1].code == "hbuild::lang::unknown_field", found)
local where = { line = found[1].lnum, character = found[1].col }
local actions = ask("textDocument/codeAction", {
  range = { start = where, ["end"] = where },
  context = { diagnostics = {} },
})
check("code action", #actions == 1 and actions[1].title == "write `packages`", actions)
vim.lsp.util.apply_workspace_edit(actions[1].edit, encoding)
diagnostics(0)

local hover = ask("textDocument/hover", { position = find("debian(", 2) })
check("hover", hover.contents.value:find("debian(release: string): distro", 1, true), hover)

local targets = ask("textDocument/definition", { position = find("base.runtime", 6) })
local target = targets[1].targetUri or targets[1].uri
check("definition", vim.uri_to_fname(target):match("/base%.hb$"), targets)
check("the module is a file", vim.fn.filereadable(vim.uri_to_fname(target)) == 1, target)

local edit = ask("textDocument/rename", { position = find("let extra", 5), newName = "more" })
vim.lsp.util.apply_workspace_edit(edit, encoding)
check("rename", text():find("packages = more", 1, true) and not text():find("extra", 1, true), text())
diagnostics(0)

local line = find("cmd =").line
vim.api.nvim_buf_set_lines(buffer, line, line, false, { "  entr" })
local proposals = ask("textDocument/completion", { position = { line = line, character = 6 } })
local labels = vim.tbl_map(function(item) return item.label end, proposals.items)
check("completion", vim.tbl_contains(labels, "entrypoint"), labels)
vim.api.nvim_buf_set_lines(buffer, line, line + 1, false, {})

vim.api.nvim_buf_set_lines(buffer, line, line, false, { "  entrypoint=['x']" })
vim.api.nvim_buf_set_lines(buffer, line, line + 1, false, { '  entrypoint=["x"]' })
local edits = ask("textDocument/formatting", { options = { tabSize = 2, insertSpaces = true } })
vim.lsp.util.apply_text_edits(edits, buffer, encoding)
check("formatting", text():find('entrypoint = ["x"]', 1, true), text())
diagnostics(0)

vim.lsp.stop_client(id)
check("stopped", vim.wait(20000, function() return vim.lsp.get_client_by_id(id) == nil end, 20), id)
io.stdout:write("neovim is content\n")
vim.cmd("qall!")
