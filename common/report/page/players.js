// Clips of galleries: loaded when near, playing while seen, unless the reader paused them.
function startPlayer(video) {
  let seen = false;
  let pausedByReader = calm.matches;

  video.addEventListener("error", () => sayUnplayable(video));
  video.addEventListener("play", () => (pausedByReader = false));
  video.addEventListener("pause", () => (pausedByReader ||= seen && !video.ended));
  whenNear(video, () => (video.src = sourceOf(video)));

  const observer = new IntersectionObserver(
    ([entry]) => {
      seen = entry.isIntersecting;
      if (seen && !pausedByReader) video.play().catch(() => {});
      if (!seen) video.pause();
    },
    { threshold: 0.25 },
  );
  observer.observe(video);
}

document.querySelectorAll("video[data-player]").forEach(startPlayer);
