// Starts `hbuild lsp` and speaks with it. All that is known of recipes is known there.
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  const command = vscode.workspace.getConfiguration("hbuild").get("path") || "hbuild";
  const run = { command, args: ["lsp"] };
  client = new LanguageClient(
    "hbuild",
    "hbuild",
    { run, debug: run },
    { documentSelector: [{ scheme: "file", language: "hbuild" }] },
  );
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    const settings = "Open settings";
    const message = `hbuild: \`${command} lsp\` did not start (${error.message ?? error}). Install hbuild, or say in hbuild.path where it is.`;
    vscode.window.showErrorMessage(message, settings).then((choice) => {
      if (choice === settings) vscode.commands.executeCommand("workbench.action.openSettings", "hbuild.path");
    });
  }
}

async function stop() {
  const old = client;
  client = undefined;
  if (old) await old.stop();
}

// Starts and stops go one after the other, however fast they are asked for.
let last = Promise.resolve();
function restart() {
  last = last.then(stop, stop).then(start);
  return last;
}

function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("hbuild.restart", restart),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("hbuild.path")) restart();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(restart),
  );
  return restart();
}

function deactivate() {
  return last.then(stop, stop);
}

module.exports = { activate, deactivate };
