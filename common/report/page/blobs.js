// Embedded media stand in the page once, as base64, and become blob URLs at first use.
const blobUrls = new Map();

function blobUrl(key) {
  if (!blobUrls.has(key)) {
    const store = document.getElementById(key);
    const bytes = Uint8Array.from(atob(store.textContent.trim()), (letter) => letter.charCodeAt(0));
    blobUrls.set(key, URL.createObjectURL(new Blob([bytes], { type: store.dataset.mime })));
  }
  return blobUrls.get(key);
}

// The URL of an element's media: a blob, or a file beside the page where it is linked.
function sourceOf(element) {
  return element.dataset.link ?? blobUrl(element.dataset.media);
}

// Call back once when an element is about to be scrolled into view.
function whenNear(element, act) {
  const observer = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        observer.disconnect();
        act();
      }
    },
    { rootMargin: "600px" },
  );
  observer.observe(element);
}

// Replace a player that cannot play by a sentence; the link to the file stays below it.
function sayUnplayable(video) {
  const message = document.createElement("p");
  message.className = "unplayable";
  message.textContent = video.dataset.link
    ? "The linked file is not there, or this browser cannot play it."
    : "This browser cannot play this kind of clip.";
  video.replaceWith(message);
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");
