// 3-D assets: loaded when near; the viewer itself is the model-viewer element.
function startViewer(frame) {
  const viewer = frame.querySelector("model-viewer");
  const fail = (reason) => {
    frame.dataset.viewer = "failed";
    frame.querySelector("[data-problem]").textContent = reason;
  };
  if (document.createElement("canvas").getContext("webgl2") === null) {
    fail("This browser has no WebGL 2, which the viewer needs.");
    return;
  }
  viewer.addEventListener("load", () => {
    frame.dataset.viewer = "loaded";
    takePicture(frame, viewer);
  });
  viewer.addEventListener("error", () => fail("The viewer could not open this asset."));
  if (calm.matches) viewer.removeAttribute("auto-rotate");
  whenNear(viewer, () => {
    frame.dataset.viewer = "loading";
    viewer.setAttribute("src", blobUrl(viewer.dataset.media));
  });
  controlViewer(frame, viewer);
}

function controlViewer(frame, viewer) {
  const orbit = viewer.getAttribute("camera-orbit");
  const turn = frame.querySelector("[data-turn]");
  const showTurning = () => turn.setAttribute("aria-pressed", viewer.hasAttribute("auto-rotate"));
  turn.addEventListener("click", () => {
    viewer.toggleAttribute("auto-rotate");
    showTurning();
  });
  frame.querySelector("[data-front]").addEventListener("click", () => {
    viewer.resetTurntableRotation(0);
    viewer.cameraOrbit = orbit;
    viewer.fieldOfView = "auto";
    viewer.cameraTarget = "auto auto auto";
  });
  for (const choice of frame.querySelectorAll("input[type=radio]")) {
    choice.addEventListener("change", () => (frame.dataset.background = choice.value));
  }
  showTurning();
}

// Paper gets a picture of the front: printing finds the canvas of the viewer empty.
async function takePicture(frame, viewer) {
  const picture = document.createElement("img");
  picture.className = "snapshot";
  picture.alt = viewer.alt;
  picture.src = URL.createObjectURL(await viewer.toBlob());
  frame.prepend(picture);
}

document.querySelectorAll("[data-viewer]").forEach(startViewer);
