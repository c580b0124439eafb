// The bundled client starts the program of the settings as `PROGRAM lsp` and greets it, and stops it again. VS Code itself
// is not here: in its place stands what has every name and does nothing.
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "node:test";

const require = createRequire(import.meta.url);
const Module = require("node:module");

/// Whatever is asked of it is it again, be it called, constructed or extended.
function anything(known = {}) {
  const target = function () {};
  return new Proxy(target, {
    get: (_, name) => {
      if (name in known) return known[name];
      if (name === "prototype") return target.prototype;
      if (name === "then" || name === Symbol.iterator || name === "default") return undefined;
      if (name === Symbol.toPrimitive || name === "toString") return () => "anything";
      return anything();
    },
    apply: () => anything(),
    construct: () => anything(),
  });
}

function editor(program, commands) {
  const empty = { get: (name) => (name === "path" ? program : undefined) };
  return anything({
    version: "1.100.0",
    workspace: anything({ getConfiguration: () => empty, textDocuments: [], workspaceFolders: undefined, notebookDocuments: [] }),
    window: anything({ visibleTextEditors: [], visibleNotebookEditors: [], tabGroups: anything({ all: [] }) }),
    commands: anything({ registerCommand: (name, run) => (commands.set(name, run), anything()) }),
    env: anything({ language: "en", appName: "none" }),
    CancellationToken: anything(),
  });
}

test("the client greets the server and stops it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hbuild-client-"));
  try {
    const [log, program] = [join(folder, "log"), join(folder, "server")];
    writeFileSync(
      program,
      `#!${process.execPath}
const fs = require("node:fs");
fs.appendFileSync(${JSON.stringify(log)}, "argv " + process.argv.slice(2).join(" ") + "\\n");
let text = "";
process.stdin.on("data", (bytes) => {
  text += bytes;
  for (let head; (head = text.match(/^Content-Length: (\\d+)\\r\\n\\r\\n/)); ) {
    const length = Number(head[1]), end = head[0].length + length;
    if (text.length < end) return;
    const message = JSON.parse(text.slice(head[0].length, end));
    text = text.slice(end);
    fs.appendFileSync(${JSON.stringify(log)}, message.method + "\\n");
    if (message.method === "exit") process.exit(0);
    if (message.id === undefined) continue;
    const result = message.method === "initialize" ? { capabilities: {} } : null;
    const answer = JSON.stringify({ jsonrpc: "2.0", id: message.id, result });
    process.stdout.write("Content-Length: " + Buffer.byteLength(answer) + "\\r\\n\\r\\n" + answer);
  }
});
`,
    );
    chmodSync(program, 0o755);
    const commands = new Map();
    const load = Module._load;
    Module._load = (name, ...rest) => (name === "vscode" ? editor(program, commands) : load(name, ...rest));
    const { activate, deactivate } = require(fileURLToPath(new URL("../dist/extension.js", import.meta.url)));
    await activate({ subscriptions: [] });
    assert.ok(commands.has("hbuild.restart"));
    await deactivate();
    const said = readFileSync(log, "utf8").trim().split("\n");
    assert.deepEqual(said, ["argv lsp", "initialize", "initialized", "shutdown", "exit"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
