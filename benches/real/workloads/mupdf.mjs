// Makes a PDF document, opens it, extracts its text and draws its page; the same with a page of HTML; and opens what is no document.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const LINES = ["The quick brown fox jumps over the lazy dog.", "Pack my box with five dozen liquor jugs.", "How vexingly quick daft zebras jump!"];
const HTML = `<html><body><h1>Report</h1><p>${LINES.join("</p><p>")}</p><table><tr><td>one</td><td>two</td></tr></table></body></html>`;

const digest = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 12);

function made(mupdf) {
  const document = new mupdf.PDFDocument();
  const font = document.addSimpleFont(new mupdf.Font("Times-Roman"));
  const resources = { Font: { F1: font } };
  const text = LINES.map((line, i) => `BT /F1 20 Tf 40 ${180 - 50 * i} Td (${line}) Tj ET`).join("\n");
  const drawn = "0.8 0.2 0.2 rg 40 20 60 20 re f 0 0 1 RG 2 w 120 20 m 160 60 200 -20 240 30 c S";
  document.insertPage(-1, document.addPage([0, 0, 500, 240], 0, resources, `${text}\n${drawn}`));
  return document.saveToBuffer("compress").asUint8Array();
}

function read(mupdf, bytes, type, scale) {
  const document = mupdf.Document.openDocument(bytes, type);
  const page = document.loadPage(0);
  const text = page.toStructuredText("preserve-whitespace").asText();
  const image = page.toPixmap(mupdf.Matrix.scale(scale, scale), mupdf.ColorSpace.DeviceGray, false).asPNG();
  return { text, image };
}

export async function run(folder, imagePath) {
  const mupdf = await import(pathToFileURL(`${folder}/dist/mupdf.js`));
  const pdf = made(mupdf);
  const first = read(mupdf, pdf, "application/pdf", 3);
  const second = read(mupdf, Buffer.from(HTML), "text/html", 1);
  for (const line of LINES) {
    if (!first.text.includes(line) || !second.text.replaceAll("\n", " ").includes(line)) throw new Error(`the text lacks "${line}"`);
  }
  let refused = 0;
  for (const bad of [pdf.subarray(0, 40), Buffer.from("no document"), Buffer.alloc(1000)]) {
    try {
      read(mupdf, bad, "application/pdf", 1);
    } catch {
      refused++;
    }
  }
  writeFileSync(imagePath, first.image);
  return `a PDF of ${pdf.length} bytes, drawn (${digest(first.image)}); HTML, drawn (${digest(second.image)}); ${refused} of 3 bad documents refused`;
}
