// Runs in the rendered page: says which of the question's words are truly visible, in reading order, with their boxes.
// A word counts as visible when four fifths of its area lie inside every clipping ancestor and the window.
(ratio) => {
  const superscripts = { 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹", "−": "⁻", "+": "⁺", n: "ⁿ", t: "ᵗ", x: "ˣ" };
  const clipOf = (element) => {
    const clip = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    for (let at = element; at && at !== document.documentElement; at = at.parentElement) {
      if (getComputedStyle(at).overflowY === "visible") continue;
      const box = at.getBoundingClientRect();
      clip.left = Math.max(clip.left, box.left);
      clip.top = Math.max(clip.top, box.top);
      clip.right = Math.min(clip.right, box.right);
      clip.bottom = Math.min(clip.bottom, box.bottom);
    }
    return clip;
  };
  const read = (root) => {
    const clip = clipOf(root);
    const found = { text: "", words: 0, hidden: 0, partial: 0, box: null };
    let gap = "";
    const word = (node, start, end) => {
      const range = document.createRange();
      range.setStart(node, start);
      range.setEnd(node, end);
      const box = range.getClientRects()[0];
      found.words += 1;
      const width = box ? Math.min(box.right, clip.right) - Math.max(box.left, clip.left) : 0;
      const height = box ? Math.min(box.bottom, clip.bottom) - Math.max(box.top, clip.top) : 0;
      const shown = box && width > 0 && height > 0 ? (width * height) / (box.width * box.height) : 0;
      if (shown < 0.8) {
        found.hidden += 1;
        if (shown > 0.15) found.partial += 1;
        return;
      }
      let text = node.textContent.slice(start, end);
      if (node.parentElement.closest("sup")) text = [...text].map((c) => superscripts[c] ?? c).join("");
      if (found.text) found.text += gap;
      gap = "";
      found.text += text;
      const grown = found.box ?? [box.left, box.top, box.right, box.bottom];
      found.box = [Math.min(grown[0], box.left), Math.min(grown[1], box.top), Math.max(grown[2], box.right), Math.max(grown[3], box.bottom)];
    };
    const walk = (node) => {
      if (node.nodeType === Node.TEXT_NODE) {
        for (const match of node.textContent.matchAll(/\S+|\s+/g)) {
          if (match[0].trim()) word(node, match.index, match.index + match[0].length);
          else gap ||= " ";
        }
        return;
      }
      if (node.nodeType !== Node.ELEMENT_NODE || ["TITLE", "DESC"].includes(node.tagName.toUpperCase())) return;
      const name = node.tagName.toUpperCase();
      if (name === "BR") gap = "\n";
      const display = getComputedStyle(node).display;
      const breaks = node !== root && (name === "TEXT" || ["block", "table", "table-row", "list-item", "flex"].includes(display));
      if (breaks) gap = "\n";
      if (display === "table-cell") gap ||= " ";
      node.childNodes.forEach(walk);
      if (breaks) gap = "\n";
    };
    walk(root);
    found.box = found.box && found.box.map((value) => Math.round(value * ratio));
    return found;
  };
  return [...document.querySelectorAll("[data-role]")].map((element) => ({ role: element.dataset.role, key: element.dataset.key ?? "", ...read(element) }));
};
