// Runs before the first paint, as a classic script: the stored theme, if any, is set before a colour is drawn.
try {
  const theme = localStorage.getItem("lodestar-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is forbidden: the system's theme it is.
}
