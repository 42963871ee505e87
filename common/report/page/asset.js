// One asset in one page. Its light can be switched: in a studio, or every point in its own colour,
// for which the asset is shown with its materials marked as unlit (KHR_materials_unlit).
const viewer = document.querySelector("model-viewer");
const problem = document.querySelector("[data-problem]");
const stored = document.getElementById("asset").textContent.trim();
const bytes = Uint8Array.from(atob(stored), (letter) => letter.charCodeAt(0));

// The same binary glTF file with another first chunk, the document.
function withDocument(change) {
  const view = new DataView(bytes.buffer);
  const length = view.getUint32(12, true);
  const tree = JSON.parse(new TextDecoder().decode(bytes.subarray(20, 20 + length)));
  change(tree);
  const text = new TextEncoder().encode(JSON.stringify(tree));
  const padded = new Uint8Array(Math.ceil(text.length / 4) * 4).fill(32);
  padded.set(text);
  const rest = bytes.subarray(20 + length);
  const head = new DataView(new ArrayBuffer(20));
  [0x46546c67, 2, 20 + padded.length + rest.length, padded.length, 0x4e4f534a].forEach(
    (value, index) => head.setUint32(4 * index, value, true),
  );
  return [head.buffer, padded, rest];
}

function unlit(tree) {
  const name = "KHR_materials_unlit";
  tree.extensionsUsed = [...new Set([...(tree.extensionsUsed ?? []), name])];
  for (const material of tree.materials ?? []) {
    material.extensions = { ...material.extensions, [name]: {} };
  }
}

const urls = {};
function show(light) {
  urls[light] ??= URL.createObjectURL(
    new Blob(light === "flat" ? withDocument(unlit) : [bytes], { type: "model/gltf-binary" }),
  );
  document.body.dataset.viewer = "loading";
  document.body.dataset.light = light;
  viewer.setAttribute("shadow-intensity", light === "flat" ? "0" : "0.5");
  viewer.setAttribute("tone-mapping", light === "flat" ? "none" : "neutral");
  viewer.setAttribute("src", urls[light]);
}

function fail(reason) {
  document.body.dataset.viewer = "failed";
  problem.textContent = reason;
}

if (document.createElement("canvas").getContext("webgl2") === null) {
  fail("This browser has no WebGL 2, which the viewer needs.");
} else {
  const orbit = viewer.getAttribute("camera-orbit");
  viewer.addEventListener("load", () => (document.body.dataset.viewer = "loaded"));
  viewer.addEventListener("error", () => fail("The viewer could not open this asset."));
  document.querySelector("[data-turn]").addEventListener("click", (event) => {
    const turning = viewer.toggleAttribute("auto-rotate");
    event.target.setAttribute("aria-pressed", turning);
  });
  document.querySelector("[data-front]").addEventListener("click", () => {
    viewer.resetTurntableRotation(0);
    viewer.cameraOrbit = orbit;
    viewer.fieldOfView = "auto";
    viewer.cameraTarget = "auto auto auto";
  });
  for (const choice of document.querySelectorAll("input[name=light]")) {
    choice.addEventListener("change", () => show(choice.value));
  }
  show(document.body.dataset.light);
}
