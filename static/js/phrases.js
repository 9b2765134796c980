// Japanese and Chinese headings break between words, where the style sheet alone cannot say so.
const HEADINGS = ":is(h1, h2, .display, .title):not(:has(wbr))";
const { lang } = document.documentElement;
const words = new Intl.Segmenter(lang, { granularity: "word" });
// Particles and endings stay with the word before them.
const FOLLOWS = /^[\p{Script=Hiragana}\p{P}ー]+$/u;

function phrases(text) {
  const found = [];
  for (const { segment } of words.segment(text)) {
    if (found.length && FOLLOWS.test(segment)) found[found.length - 1] += segment;
    else found.push(segment);
  }
  return found;
}

for (const heading of document.querySelectorAll(HEADINGS)) {
  const walk = document.createTreeWalker(heading, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walk.nextNode()) texts.push(walk.currentNode);
  for (const text of texts) {
    const parts = phrases(text.data).flatMap((part) => [part, document.createElement("wbr")]);
    text.replaceWith(...parts.slice(0, -1));
  }
  heading.classList.add("phrases");
}
