// Reads the text of an image.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gunzipSync } from "node:zlib";

export async function run(script, trainedData, image) {
  const core = await createRequire(import.meta.url)(script)({ print() {}, printErr() {}, TesseractProgress() {} });
  core.FS.writeFile("eng.traineddata", gunzipSync(readFileSync(trainedData)));
  const api = new core.TessBaseAPI();
  if (api.Init(null, "eng", 1)) throw new Error("the trained data are refused");
  core.FS.writeFile("/input", readFileSync(image));
  if (api.SetImageFile(1, 0, false) === 1) throw new Error("the image is refused");
  api.Recognize(null);
  const text = api.GetUTF8Text().trim().replaceAll(/\s+/g, " ");
  api.End();
  return text;
}
