// Files cannot be sent. A browser that is left alone opens a file that is dropped on the
// page in the page's place.
import { t } from "./texts.ts";
import { toast } from "./widgets.ts";

export function refuseFiles(): void {
  for (const type of ["dragover", "drop"] as const) {
    addEventListener(type, (event) => {
      const files = event.dataTransfer?.types.includes("Files") ?? false;
      const field = event.target instanceof Element && event.target.closest("input, textarea");
      if (field && !files) return;
      event.preventDefault();
      if (type === "drop" && files) toast(t("files.refused"));
    });
  }
  addEventListener("paste", (event) => {
    const data = event.clipboardData;
    if (data === null || data.files.length === 0 || data.types.includes("text/plain")) return;
    event.preventDefault();
    toast(t("files.refused"));
  });
}
