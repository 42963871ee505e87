// A grid of clips on one clock. The clock runs like the wall clock, and waits while one of the seen
// clips loads or is half a frame late. Each clip plays by itself; small lags and leads are worked
// off by its playback rate, large ones by a seek. Paused clips all show the same frame.
const GAIN_PER_SECOND = 10;
const SLOWEST = 0.25;
const FASTEST = 2;

class SyncedClips {
  constructor(root) {
    this.root = root;
    this.fps = Number(root.dataset.fps);
    this.duration = Number(root.dataset.duration);
    this.numFrames = Number(root.dataset.frames);
    this.videos = [...root.querySelectorAll("video")];
    this.button = root.querySelector("[data-play]");
    this.slider = root.querySelector("input[type=range]");
    this.readout = root.querySelector("output");
    this.speed = 1;
    this.time = 0;
    this.last = null;
    this.playing = !calm.matches;
    this.seen = new Set();
    this.listen();
    this.show();
  }

  listen() {
    for (const video of this.videos) {
      video.addEventListener("error", () => this.drop(video));
      video.addEventListener("loadeddata", () => this.place(video));
      whenNear(video, () => (video.src = sourceOf(video)));
    }
    const observer = new IntersectionObserver((entries) => this.see(entries));
    this.videos.forEach((video) => observer.observe(video));
    this.button.addEventListener("click", () => this.setPlaying(!this.playing));
    this.slider.addEventListener("input", () => this.goTo(Number(this.slider.value)));
    for (const step of this.root.querySelectorAll("[data-step]")) {
      step.addEventListener("click", () => this.goTo(this.frame() + Number(step.dataset.step)));
    }
    this.root.querySelector("select").addEventListener("change", (event) => {
      this.speed = Number(event.target.value);
    });
  }

  see(entries) {
    for (const entry of entries) {
      if (entry.isIntersecting) this.seen.add(entry.target);
      else {
        this.seen.delete(entry.target);
        entry.target.pause();
      }
    }
    this.wake();
  }

  drop(video) {
    this.videos = this.videos.filter((other) => other !== video);
    this.seen.delete(video);
    sayUnplayable(video);
  }

  wake() {
    if (this.last === null && this.playing && this.seen.size > 0) {
      this.last = performance.now();
      requestAnimationFrame((now) => this.tick(now));
    }
  }

  setPlaying(playing) {
    this.playing = playing;
    if (!playing) this.goTo(this.frame());
    this.show();
    this.wake();
  }

  // Stop at a frame, counted round the loop.
  goTo(frame) {
    this.playing = false;
    const wrapped = ((frame % this.numFrames) + this.numFrames) % this.numFrames;
    this.time = wrapped / this.fps;
    this.videos.forEach((video) => this.place(video));
    this.show();
  }

  frame() {
    return Math.min(this.numFrames - 1, Math.floor(this.time * this.fps + 1e-6));
  }

  // The middle of a frame's time, so that rounding shows no neighbour; the last one for short clips.
  target(video) {
    const middle = (this.frame() + 0.5) / this.fps;
    return Math.min(middle, Math.max(0, video.duration - 0.5 / this.fps));
  }

  place(video) {
    if (video.readyState === 0 || this.playing) return;
    video.pause();
    video.currentTime = this.target(video);
  }

  tick(now) {
    if (!this.playing || this.seen.size === 0) {
      this.last = null;
      return;
    }
    const playing = [...this.seen];
    const ready = playing.every((video) => video.readyState >= 2 && !video.seeking);
    const late = playing.some((video) => this.lag(video) > 0.5 / this.fps);
    if (ready && !late) this.time += ((now - this.last) / 1000) * this.speed;
    this.last = now;
    const restarts = this.time >= this.duration;
    if (restarts) this.time %= this.duration;
    playing.forEach((video) => this.follow(video, ready));
    this.show();
    requestAnimationFrame((later) => this.tick(later));
  }

  // How far a clip is behind the clock, in seconds; a clip that is over is not.
  lag(video) {
    return this.time < video.duration ? this.time - video.currentTime : 0;
  }

  follow(video, ready) {
    const over = this.time >= video.duration;
    if (!ready || over) {
      if (!video.paused) video.pause();
      if (over && Math.abs(video.currentTime - this.target(video)) > 1 / this.fps && !video.seeking)
        video.currentTime = this.target(video);
      return;
    }
    const lag = this.lag(video);
    if (Math.abs(lag) > 2 / this.fps) video.currentTime = this.time;
    const change = Math.max(SLOWEST, Math.min(FASTEST, 1 + lag * GAIN_PER_SECOND));
    const rate = this.speed * change;
    if (Math.abs(video.playbackRate - rate) > 0.01) video.playbackRate = rate;
    // A clip that ended a moment early waits for the clock: playing on would rewind it.
    if (video.paused && !video.ended) video.play().catch(() => {});
  }

  show() {
    const frame = this.frame();
    this.root.dataset.state = this.playing ? "playing" : "paused";
    this.button.setAttribute("aria-label", this.playing ? "Pause all clips" : "Play all clips");
    this.slider.value = frame;
    const text = `frame ${frame + 1} of ${this.numFrames}, ${(frame / this.fps).toFixed(2)} s`;
    this.slider.setAttribute("aria-valuetext", text);
    this.readout.textContent = `${frame + 1} / ${this.numFrames} · ${(frame / this.fps).toFixed(2)} s`;
  }
}

document.querySelectorAll("[data-synced]").forEach((root) => new SyncedClips(root));
