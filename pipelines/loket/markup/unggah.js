// Shows how much of a file has been sent, and sends a large one in parts: a broken connection loses one part only.
// Without this script the same form works, without the bar, and sends the whole file.
"use strict";
function prepare() {
  const form = document.getElementById("kirim");
  const message = document.getElementById("pesan");
  if (message) { message.tabIndex = -1; message.focus(); }
  if (!form) return;
  const counted = document.getElementById("pratinjau");
  const stop = new AbortController();
  if (counted?.dataset.from) watch(counted, stop.signal);
  form.addEventListener("change", () => stop.abort());
  const buttons = form.querySelectorAll("button");
  const show = (value, text) => {
    document.getElementById("maju").hidden = false;
    document.getElementById("progres").value = value;
    document.getElementById("persen").textContent = text;
  };
  const showShare = (sent, total) => {
    const percent = Math.floor((100 * sent) / total);
    show(percent, percent < 100 ? percent + "%" : "Memeriksa …");
  };
  const answered = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    document.title = page.title;
    document.body.replaceWith(page.body);
    prepare();
  };
  const failed = (text) => {
    show(0, text);
    for (const button of buttons) button.disabled = false;
  };
  const broken = (error) =>
    failed(error instanceof Told ? error.message : "Koneksi terputus; lihat riwayat di bawah sebelum mengirim lagi.");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    stop.abort();
    const data = new FormData(form, event.submitter);
    const file = data.get("berkas");
    const most = Number(form.dataset.most);
    if (file.size > most) {
      failed("Berkas lebih besar dari " + Math.floor(most / 1048576) + " MB.");
      return;
    }
    for (const button of buttons) button.disabled = true;
    show(0, "0%");
    if (file.size > Number(form.dataset.part)) {
      sendParts(form, file, data.get("aksi"), showShare, show).then(answered, broken);
      return;
    }
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (sent) => {
      if (sent.lengthComputable) showShare(sent.loaded, sent.total);
    });
    request.addEventListener("load", () => answered(request.responseText));
    request.addEventListener("error", broken);
    request.open("POST", form.action);
    request.send(data);
  });
}
// Why a file cannot be sent, in the words of the server.
class Told extends Error {}
const pause = (milliseconds) => new Promise((again) => setTimeout(again, milliseconds));
// Asks until the file that was checked is counted. Only the section about it changes; the form stays as it is.
async function watch(section, stopped) {
  while (section.dataset.from) {
    await pause(4000);
    if (stopped.aborted) return;
    const answer = await fetch(section.dataset.from, { signal: stopped }).catch(() => null);
    const text = answer?.ok ? await answer.text().catch(() => "") : "";
    if (stopped.aborted) return;
    const next = new DOMParser().parseFromString(text, "text/html").getElementById("pratinjau");
    if (!next || next.textContent === section.textContent) continue;
    const hadFocus = section.contains(document.activeElement);
    section.replaceWith(next);
    section = next;
    if (hadFocus) { section.tabIndex = -1; section.focus(); }
  }
}
// Sends a file part by part. After a break it asks how much has come, and goes on there. Gives the page that answers.
async function sendParts(form, file, order, showShare, show) {
  const query = "?nama=" + encodeURIComponent(file.name) + "&ukuran=" + file.size;
  const begun = await fetch(form.action + "/bagian" + query, { method: "POST" });
  if (begun.status !== 201) return begun.text();
  const place = begun.headers.get("Location");
  let sent = 0, breaks = 0;
  while (sent < file.size) {
    const headers = { "Upload-Offset": String(sent), "Content-Type": "application/offset+octet-stream" };
    const body = file.slice(sent, sent + Number(form.dataset.part));
    const answer = await fetch(place, { method: "PATCH", headers, body }).catch(() => null);
    if (answer?.status === 204) {
      sent = Number(answer.headers.get("Upload-Offset"));
      breaks = 0;
      showShare(sent, file.size);
      continue;
    }
    if (answer?.status === 507) throw new Told(await answer.text());
    breaks += 1;
    if (breaks > 8) throw new Error("too many breaks");
    show(Math.floor((100 * sent) / file.size), "Koneksi terputus; dilanjutkan …");
    await pause(250 * 2 ** breaks);
    const there = await fetch(place, { method: "HEAD" }).catch(() => null);
    if (there?.status === 404) throw new Error("given up");
    if (!there?.ok) continue;
    const come = Number(there.headers.get("Upload-Offset"));
    if (come > sent) breaks = 0;  // a slow connection may go on as long as something comes
    sent = come;
  }
  for (let tries = 1; ; tries += 1) {
    const page = await fetch(place + "?aksi=" + order, { method: "POST" });
    if (page.status === 409) throw new Told(await page.text());
    if (page.status < 500 || page.redirected || tries === 4) return page.text();
    show(100, "Gudang data belum menjawab; dicoba lagi …");
    await pause(1000 * 2 ** tries);
  }
}
prepare();
