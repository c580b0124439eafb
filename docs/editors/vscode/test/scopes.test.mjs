// The grammar over every recipe of the repository, and over forms that they do not have.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "node:test";
import { tokens } from "./grammar.mjs";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

function recipes(folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .filter((name) => name.endsWith(".hb") && !name.includes("node_modules"))
    .map((name) => join(root, folder, name))
    .sort();
}

/// Tokens that nothing scoped, and scopes that say that something is wrong.
function stray(found) {
  return found.filter(({ scopes }) => scopes.length === 0 || scopes.some((scope) => scope.startsWith("invalid")));
}

test("nothing of a recipe is without a scope, and nothing is left open at its end", async () => {
  const files = [...recipes("recipes"), ...recipes("docs/examples"), ...recipes("lang/std")];
  assert.ok(files.length > 15);
  for (const file of files) {
    const { found, depth } = await tokens(readFileSync(file, "utf8"));
    assert.deepEqual(stray(found), [], file);
    assert.equal(depth, 1, `${file}: a rule is open at the end`);
  }
});

test("the scopes are those that were looked at", async () => {
  const text = readFileSync(join(here, "every-form.hb"), "utf8");
  const { found, depth } = await tokens(text);
  assert.equal(depth, 1);
  assert.deepEqual(stray(found), []);
  const lines = found.map(({ line, column, text, scopes }) => `${line}:${column} ${text.trim()}  ${scopes.join(" ")}`);
  const snapshot = join(here, "every-form.scopes");
  const actual = lines.join("\n") + "\n";
  if (process.env.UPDATE || !existsSync(snapshot)) writeFileSync(snapshot, actual);
  assert.equal(actual, readFileSync(snapshot, "utf8"), "UPDATE=1 npm test writes the new ones");
});

test("scripts are shell, whatever the shell leaves open, and interpolations are not", async () => {
  const text = 'hbuild 1\nbuild a {\n  script = """\n    echo "v{{release}} it\'s\n    cat <<END\n    """\n  dir = "x"\n}\n';
  const { found } = await tokens(text);
  const at = (part, line) => found.find((token) => token.text.includes(part) && token.line === line).scopes;
  assert.ok(at("release", 4).includes("meta.interpolation"));
  assert.ok(at("release", 4).includes("variable.other"));
  assert.ok(at("cat", 5).includes("meta.embedded.block.shellscript"));
  assert.deepEqual(at("dir", 7), ["variable.other.property"]);
  const one = await tokens('hbuild 1\nbuild a { script = """make -j"$JOBS" """ }\n');
  assert.deepEqual(one.found.at(-1).scopes, ["punctuation.section.braces"]);
});

test("the names of the edition are those that the language has", async () => {
  const source = readFileSync(join(root, "lang/src/modules/builtin.rs"), "utf8");
  const names = [...source.split("const NAMES")[1].split("];")[0].matchAll(/"([a-z0-9-]+)",/g)].map((match) => match[1]);
  assert.ok(names.length > 15);
  for (const name of names) {
    const [called, alone] = await Promise.all(
      [`${name}("x")`, name].map(async (text) => (await tokens(`hbuild 1\nlet x = ${text}\n`)).found[5].scopes[0]),
    );
    const builtin = called.startsWith("support.function.builtin") || alone.startsWith("support.constant");
    assert.ok(builtin, `${name}: ${called}, ${alone}`);
  }
  for (const [, name] of source.matchAll(/\("([a-z]+)", Method::/g)) {
    const { found } = await tokens(`hbuild 1\nlet x = y.${name}("x")\n`);
    assert.ok(found.some(({ scopes }) => scopes.includes("support.function.method")), name);
  }
});
