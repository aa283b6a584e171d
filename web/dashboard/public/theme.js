// Sets the chosen theme before anything is drawn, so that a dark page never flashes white.
try {
  const theme = localStorage.getItem("bonsai.theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // without storage the system's theme holds
}
