// Recipes as the grammar of this extension sees them: tokens with their scopes, and the shell a stand-in.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");

const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
const onigLib = oniguruma
  .loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength))
  .then(() => ({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }));

// As VS Code's own grammar of the shell where it matters: comments, strings and here-documents that swallow what follows.
const shell = {
  scopeName: "source.shell",
  patterns: [
    { match: "(^|\\s)#.*$", name: "comment.shell" },
    { begin: "<<-?\\s*['\"]?(\\w+)['\"]?", end: "^\\1$", name: "string.heredoc.shell" },
    { begin: "'", end: "'", name: "string.single.shell" },
    { begin: '"', end: '"', name: "string.double.shell" },
  ],
};

const grammar = new URL("../syntaxes/hbuild.tmLanguage.json", import.meta.url);
const registry = new textmate.Registry({
  onigLib,
  loadGrammar: async (scope) => {
    if (scope === "source.hbuild") return textmate.parseRawGrammar(readFileSync(grammar, "utf8"), grammar.pathname);
    return scope === "source.shell" ? shell : null;
  },
});

/// The tokens of a text that are not white space: line, column, text, and scopes without the outermost.
export async function tokens(text) {
  const loaded = await registry.loadGrammar("source.hbuild");
  const found = [];
  let state = textmate.INITIAL;
  text.split("\n").forEach((line, number) => {
    const result = loaded.tokenizeLine(line, state);
    state = result.ruleStack;
    for (const token of result.tokens) {
      const part = line.slice(token.startIndex, token.endIndex);
      if (part.trim() === "") continue;
      const scopes = token.scopes.slice(1).map((scope) => scope.replace(/\.hbuild$/, ""));
      found.push({ line: number + 1, column: token.startIndex + 1, text: part, scopes });
    }
  });
  return { found, depth: state.depth };
}
