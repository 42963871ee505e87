// Downloads, long texts, copying, and a page that prints whole.
for (const link of document.querySelectorAll("a[data-download]")) {
  // An embedded file can be saved even where the page was moved away from its folder.
  link.addEventListener("click", () => (link.href = blobUrl(link.dataset.download)));
}

for (const text of document.querySelectorAll(".clamped")) {
  if (text.scrollHeight <= text.clientHeight + 4) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  const show = (whole) => {
    text.classList.toggle("whole", whole);
    button.textContent = whole ? "Show less" : "Show all";
    button.setAttribute("aria-expanded", whole);
  };
  button.addEventListener("click", () => show(!text.classList.contains("whole")));
  text.after(button);
  show(false);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  button.addEventListener("click", () => {
    button.textContent = copy(source.dataset.text) ? "Copied" : "The browser refused";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}

// By a selection, because the clipboard interface is missing on pages that are opened as files.
function copy(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open], [data-screen])")) {
    details.open = true;
    addEventListener("afterprint", () => (details.open = false), { once: true });
  }
});

document.documentElement.dataset.page = "ready";
