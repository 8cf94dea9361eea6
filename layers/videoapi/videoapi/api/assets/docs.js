// Gives every block of code a button that copies it. Without this script the page lacks nothing else.

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers keep the clipboard from pages over http, except those of this machine itself.
  const area = document.createElement("textarea");
  area.className = "away";
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not allowed");
}

for (const block of document.querySelectorAll(".code")) {
  const button = document.createElement("button");
  const say = (word) => (button.textContent = word);
  button.type = "button";
  button.className = "copy";
  button.setAttribute("aria-live", "polite");
  say("Copy");
  button.addEventListener("click", async () => {
    await copy(block.querySelector("code").textContent).then(() => say("Copied"), () => say("Failed"));
    setTimeout(say, 2000, "Copy");
  });
  block.append(button);
}
