"""Open a CZML file in a real Cesium page and say what the page makes of it.

    npm install --prefix /tmp/cesium cesium
    orbitloom contacts ring12 --out fleet.czml
    python scripts/check_czml.py fleet.czml /tmp/cesium/node_modules/cesium/Build/Cesium --picture fleet.png

It serves the file, Cesium's own build (with the imagery inside it) and a page on this machine, opens the page in a
headless Chromium, lets it draw some frames, and prints what the page tells: objects, those that have a position, links
that are shown, errors on the console. It exits with 1 if there is an error, or if the number of objects is not the
file's. Nothing is loaded from elsewhere.
"""

from __future__ import annotations

import argparse
import base64
import json
import queue
import shutil
import subprocess
import sys
import tempfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>CZML</title>
<script>
const errors = [];
const complain = (what) => errors.push(String(what && what.stack || what));
window.addEventListener("error", (e) => complain(e.message || (e.target && (e.target.src || e.target.href))), true);
window.addEventListener("unhandledrejection", (e) => complain(e.reason));
const loud = console.error;
console.error = (...words) => { complain(words.join(" ")); loud(...words); };
window.CESIUM_BASE_URL = "/cesium/";
</script>
<script src="/cesium/Cesium.js"></script><link rel="stylesheet" href="/cesium/Widgets/widgets.css">
<style>html,body,#globe{margin:0;width:1200px;height:800px;overflow:hidden}</style></head><body><div id="globe"></div>
<script>
const tell = (told) => fetch("/told", {method: "POST", body: JSON.stringify({...told, errors})});
(async () => {
  const viewer = new Cesium.Viewer("globe", {
    baseLayer: Cesium.ImageryLayer.fromProviderAsync(Cesium.TileMapServiceImageryProvider.fromUrl(
      Cesium.buildModuleUrl("Assets/Textures/NaturalEarthII"))),
    baseLayerPicker: false, geocoder: false, homeButton: false, sceneModePicker: false, navigationHelpButton: false,
    fullscreenButton: false, skyBox: false,
  });
  viewer.scene.renderError.addEventListener((scene, error) => complain(error));
  const source = await Cesium.CzmlDataSource.load("/file.czml");
  await viewer.dataSources.add(source);
  const clock = source.clock;
  viewer.clock.shouldAnimate = false;
  viewer.clock.currentTime = Cesium.JulianDate.addSeconds(clock.startTime, LATER, new Cesium.JulianDate());
  viewer.camera.setView({destination: Cesium.Cartesian3.fromDegrees(LONGITUDE, 30, 2.1e7)});
  let frames = 0;
  viewer.scene.postRender.addEventListener(() => {
    frames += 1;
    if (frames === FRAMES) {
      const now = viewer.clock.currentTime;
      const all = source.entities.values;
      const at = (entity, seconds) => {
        const place = entity.position.getValue(
          Cesium.JulianDate.addSeconds(clock.startTime, seconds, new Cesium.JulianDate()), new Cesium.Cartesian3());
        return place && [place.x, place.y, place.z];
      };
      const placed = all.filter((one) => one.position && one.position.getValue(now));
      const lines = all.filter((one) => one.polyline);
      const shown = lines.filter((one) => one.isAvailable(now) && one.polyline.show.getValue(now)
        && (one.polyline.positions.getValue(now) || []).length === 2);
      tell({objects: all.length, placed: placed.length, links: lines.length, shown: shown.length,
        at: Cesium.JulianDate.toIso8601(now), start: Cesium.JulianDate.toIso8601(clock.startTime),
        stop: Cesium.JulianDate.toIso8601(clock.stopTime), cesium: Cesium.VERSION,
        first: {name: placed[0].name, fixed_m: [30, 90.5, 1234.5].map((s) => [s, at(placed[0], s)])},
        picture: viewer.scene.canvas.toDataURL("image/png")});
    }
    viewer.scene.requestRender();
  });
})().catch((error) => { complain(error); tell({}); });
</script></body></html>
"""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,800",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="the CZML file")
    parser.add_argument("cesium", type=Path, help="Cesium's built folder, with Cesium.js in it")
    parser.add_argument("--browser", default="chromium", help="a Chromium (default: chromium)")
    parser.add_argument("--picture", type=Path, help="where to write what the page shows, PNG")
    parser.add_argument(
        "--later", type=float, default=1800.0, help="seconds after the file's start"
    )
    parser.add_argument(
        "--longitude", type=float, default=20.0, help="where to look from, degrees east"
    )
    parser.add_argument("--frames", type=int, default=60, help="frames to draw before it tells")
    parser.add_argument(
        "--patience", type=float, default=240.0, help="seconds to wait for the page"
    )
    options = parser.parse_args()
    czml = options.file.read_bytes()
    expected = len(json.loads(czml)) - 1
    if not (options.cesium / "Cesium.js").is_file():
        parser.error(f"there is no Cesium.js in {options.cesium}")
    if shutil.which(options.browser) is None:
        parser.error(f"there is no {options.browser}")
    page = PAGE.replace("LATER", str(options.later)).replace("FRAMES", str(options.frames))
    page = page.replace("LONGITUDE", str(options.longitude))
    told: queue.Queue[dict[str, object]] = queue.Queue()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {"/": ("text/html", page.encode()), "/file.czml": ("application/json", czml)}
            if self.path in known:
                kind, content = known[self.path]
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            elif self.path.startswith("/cesium/"):
                self.path = self.path.removeprefix("/cesium")
                super().do_GET()
            else:
                self.send_response(204)  # the icon that browsers ask for
                self.end_headers()

        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *given: Handler(*given, directory=str(options.cesium))
    )
    Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = subprocess.Popen(
            [
                options.browser,
                *FLAGS,
                f"--user-data-dir={profile}",
                f"http://127.0.0.1:{server.server_port}/",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            found = told.get(timeout=options.patience)
        except queue.Empty:
            print(f"error: the page told nothing within {options.patience:g} s", file=sys.stderr)
            return 1
        finally:
            browser.terminate()
            browser.wait(timeout=30)
            server.shutdown()
    picture = str(found.pop("picture", ""))
    if options.picture and picture:
        options.picture.write_bytes(base64.b64decode(picture.partition(",")[2]))
    print(json.dumps({"expected": expected, **found}, indent=2))
    return 0 if not found["errors"] and found.get("objects") == expected else 1


if __name__ == "__main__":
    sys.exit(main())
