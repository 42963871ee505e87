// Clips of galleries: loaded when near, playing while seen, unless the reader paused them.
function startPlayer(video) {
  let seen = false;
  let pausedByReader = calm.matches;
  // Events come late: a pause may be told of when the clip is already in sight again.
  let pausesOfOurs = 0;

  function follow() {
    if (seen && !pausedByReader && video.paused) video.play().catch(() => {});
    if (!seen && !video.paused) {
      pausesOfOurs += 1;
      video.pause();
    }
  }

  video.addEventListener("error", () => sayUnplayable(video));
  video.addEventListener("play", () => (pausedByReader = false));
  video.addEventListener("pause", () => {
    if (pausesOfOurs > 0) pausesOfOurs -= 1;
    else pausedByReader = true;
  });
  whenNear(video, () => {
    video.src = sourceOf(video);
    follow();
  });

  const observer = new IntersectionObserver(
    (entries) => {
      seen = entries.at(-1).isIntersecting;
      follow();
    },
    { threshold: 0.25 },
  );
  observer.observe(video);
}

document.querySelectorAll("video[data-player]").forEach(startPlayer);
