// The server that this page uses, if it is not the one that the page came from:
// window.POLYLOG_SERVER = "https://chat.example.org";
