document.getElementById("app")!.textContent = "Polylog";
