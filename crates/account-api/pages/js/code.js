// A code as people type and paste it.

const isDigit = (number) => number >= 0 && /\p{Nd}/u.test(String.fromCodePoint(number));

// A decimal digit of any script, in ASCII. Unicode gives those of a script ten code points in a row, from zero to nine.
function digit(letter) {
  const own = letter.codePointAt(0);
  let below = 0;
  while (isDigit(own - below - 1)) below += 1;
  return String(below % 10);
}

// The code in ASCII digits, or what is none as it is. White space, hyphens (with the minus sign and the mark that a Japanese
// keyboard gives in its place) and invisible marks are passed over, as the account API does it (src/code.rs). One table of
// cases holds for both (tests/codes.json).
export function typedCode(text) {
  return text.replace(/[\p{White_Space}\p{Pd}\p{Cf}\u2212\u30fc]/gu, "").replace(/\p{Nd}/gu, digit);
}

// The API takes no longer text.
export const isCode = (text) => /^.{0,64}$/su.test(text) && /^[0-9]{6}$/.test(typedCode(text));
