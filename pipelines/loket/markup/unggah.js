// Shows how much of a file has been sent. Without this script the same form works, without the bar.
"use strict";
function prepare() {
  const form = document.getElementById("kirim");
  const message = document.getElementById("pesan");
  if (message) { message.tabIndex = -1; message.focus(); }
  const counted = document.getElementById("hitungan");
  if (counted) setTimeout(() => location.assign(counted.href), 4000);
  if (!form) return;
  const buttons = form.querySelectorAll("button");
  const show = (value, text) => {
    document.getElementById("maju").hidden = false;
    document.getElementById("progres").value = value;
    document.getElementById("persen").textContent = text;
  };
  const failed = (text) => {
    show(0, text);
    for (const button of buttons) button.disabled = false;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData(form, event.submitter);
    const most = Number(form.dataset.most);
    if (data.get("berkas").size > most) {
      failed("Berkas lebih besar dari " + Math.floor(most / 1048576) + " MB.");
      return;
    }
    for (const button of buttons) button.disabled = true;
    show(0, "0%");
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (sent) => {
      if (!sent.lengthComputable) return;
      const percent = Math.floor((100 * sent.loaded) / sent.total);
      show(percent, percent < 100 ? percent + "%" : "Memeriksa …");
    });
    request.addEventListener("load", () => {
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      document.title = page.title;
      document.body.replaceWith(page.body);
      prepare();
    });
    request.addEventListener("error", () => failed("Koneksi terputus; belum ada yang dikirim. Coba lagi."));
    request.open("POST", form.action);
    request.send(data);
  });
}
prepare();
