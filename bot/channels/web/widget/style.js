/* The widget's looks. One adopted style sheet, so a strict Content-Security-Policy of the page does not matter. */

export const css = `
:host { all: initial; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }

.root {
  --accent: #17695b;
  --on-accent: #fff;
  --surface: #fff;
  --raised: #f3f5f4;
  --text: #18211f;
  --quiet: #5d6966;
  --line: #e2e7e5;
  --link: #0e5f86;
  --warn: #8a4b00;
  --warn-back: #fff4e2;
  --note: #17594d;
  --note-back: #e6f3ef;
  --bad: #b3261e;
  --shadow: 0 1px 2px rgb(16 32 28 / 8%), 0 12px 40px rgb(16 32 28 / 18%);
  color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans SC",
    sans-serif;
  -webkit-font-smoothing: antialiased;
}
.root[data-mode="dark"] {
  --accent: #3f9f8b;
  --on-accent: #041a15;
  --surface: #171c1b;
  --raised: #242b2a;
  --text: #e8eeec;
  --quiet: #9aa7a3;
  --line: #303938;
  --link: #83c8ee;
  --warn: #ffcf91;
  --warn-back: #3a2b14;
  --note: #a6e0d2;
  --note-back: #17332d;
  --bad: #ffb4ab;
  --shadow: 0 1px 2px rgb(0 0 0 / 40%), 0 12px 40px rgb(0 0 0 / 55%);
  color-scheme: dark;
}

button, textarea { font: inherit; color: inherit; letter-spacing: inherit; }
button { cursor: pointer; border: 0; background: none; padding: 0; }
button:disabled { cursor: default; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
svg { width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linecap: round;
  stroke-linejoin: round; flex: none; }

.launcher { position: fixed; right: 24px; bottom: 24px; z-index: 2147483000; width: 58px; height: 58px;
  display: grid; place-items: center; border-radius: 50%; background: var(--accent); color: var(--on-accent);
  box-shadow: var(--shadow); transition: transform .15s ease; }
.launcher:hover { transform: translateY(-2px); }
.launcher svg { width: 27px; height: 27px; }
.open .launcher { display: none; }
.badge { position: absolute; top: -3px; right: -3px; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px;
  background: #c62828; color: #fff; font-size: 12px; font-weight: 600; line-height: 22px; text-align: center; }

.panel { position: fixed; right: 24px; bottom: 24px; z-index: 2147483000; width: 392px; height: min(660px, 100dvh - 48px);
  display: flex; flex-direction: column; overflow: hidden; border: 1px solid var(--line); border-radius: 18px;
  background: var(--surface); box-shadow: var(--shadow); animation: rise .18s ease-out; }
@keyframes rise { from { opacity: 0; transform: translateY(10px); } }

header { display: flex; align-items: center; gap: 10px; padding: 14px 12px 14px 16px;
  border-bottom: 1px solid var(--line); }
.mark { display: grid; place-items: center; width: 38px; height: 38px; border-radius: 12px; background: var(--accent);
  color: var(--on-accent); flex: none; }
.heading { flex: 1; min-width: 0; }
h2 { margin: 0; font-size: 16px; font-weight: 650; line-height: 1.3; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
.presence { display: flex; align-items: center; gap: 6px; color: var(--quiet); font-size: 12.5px; line-height: 1.4; }
.presence::before { content: ""; width: 7px; height: 7px; border-radius: 50%; background: #c78a1b; }
[data-state="online"] .presence::before { background: #2e9e6b; }
.tool { display: grid; place-items: center; width: 36px; height: 36px; border-radius: 10px; color: var(--quiet); }
.tool:hover { background: var(--raised); color: var(--text); }

.banner { display: flex; align-items: center; gap: 8px; padding: 8px 16px; font-size: 13px; }
.banner svg { width: 16px; height: 16px; }
.lost { background: var(--warn-back); color: var(--warn); }
.person { background: var(--note-back); color: var(--note); }

.log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 16px; scrollbar-width: thin;
  scrollbar-color: var(--line) transparent; }
.log:focus-visible { outline-offset: -2px; }
.rows { display: flex; flex-direction: column; }
.line { display: flex; align-items: center; gap: 10px; margin: 10px 0; color: var(--quiet); font-size: 12px; }
.line::before, .line::after { content: ""; flex: 1; height: 1px; background: var(--line); }

.row { display: flex; flex-direction: column; align-items: flex-start; gap: 6px; margin: 4px 0 8px; max-width: 100%; }
.row.user { align-items: flex-end; }
.row.followed { margin-bottom: 0; }
.row.soon time { display: none; }
.row.soon .meta:has(> time:only-child) { display: none; }
.bubble { max-width: 86%; padding: 9px 14px; border-radius: 16px; background: var(--raised); overflow-wrap: anywhere; white-space: pre-wrap; }
.rich { white-space: normal; }
.user .bubble { background: var(--accent); color: var(--on-accent); border-bottom-right-radius: 5px; }
.bot .bubble, .agent .bubble { border-bottom-left-radius: 5px; }
.agent .bubble { background: var(--note-back); }
.pending:not(.later, .failed) .state { animation: appear .2s 1s both; }
@keyframes appear { from { visibility: hidden; } to { visibility: visible; } }
.later .bubble, .failed .bubble { opacity: .7; }
.author { display: flex; align-items: center; gap: 5px; color: var(--note); font-size: 12.5px; font-weight: 600; }
.author svg { width: 15px; height: 15px; }
.following .author { display: none; }
.meta { display: flex; align-items: center; gap: 10px; min-height: 0; padding: 0 4px; color: var(--quiet);
  font-size: 12px; }
.meta:empty { display: none; }
.failed .state { color: var(--bad); }
.state:empty { display: none; }

.rich > :first-child { margin-top: 0; }
.rich > :last-child { margin-bottom: 0; }
.rich p, .rich ul, .rich ol, .rich pre, .rich blockquote, .rich .table { margin: 8px 0; }
.rich ul, .rich ol { padding-left: 22px; }
.rich li { margin: 3px 0; }
.rich li > p { margin: 0; }
.rich a { color: var(--link); text-underline-offset: 2px; }
.rich code { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; padding: 1px 5px; border-radius: 5px;
  background: color-mix(in srgb, var(--text) 8%, transparent); }
.rich pre { padding: 10px 12px; border-radius: 10px; overflow-x: auto;
  background: color-mix(in srgb, var(--text) 8%, transparent); }
.rich pre code { padding: 0; background: none; }
.rich blockquote { margin-left: 0; padding-left: 12px; border-left: 3px solid var(--line); color: var(--quiet); }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13.5px; overflow-wrap: normal; }
th, td { padding: 5px 14px 5px 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
.bubble th, .bubble td { border-color: color-mix(in srgb, var(--text) 14%, transparent); }
tbody tr:last-child td { border-bottom: 0; }

.sources ul { display: flex; flex-direction: column; gap: 3px; margin: 0; padding: 0 4px; list-style: none; }
.sources li { display: flex; align-items: center; gap: 6px; color: var(--quiet); font-size: 12.5px; }
.sources svg { width: 14px; height: 14px; }
.sources a { color: var(--link); text-decoration: none; }
.sources a:hover { text-decoration: underline; }

.choices, .chips { display: flex; flex-wrap: wrap; gap: 8px; max-width: 94%; }
.choices button, .chips button { padding: 6px 14px; border: 1px solid color-mix(in srgb, var(--accent) 45%, var(--line));
  border-radius: 18px; background: var(--surface); color: var(--text); font-size: 14px; text-align: left; }
.choices button:hover:enabled, .chips button:hover:enabled { background: color-mix(in srgb, var(--accent) 10%, var(--surface)); }
.choices button:disabled { color: var(--quiet); border-color: var(--line); }
.choices button.chosen { color: var(--text); border-color: var(--accent); }
.chips:has(button:disabled) { display: none; }

.picture img { display: block; max-width: 260px; max-height: 220px; border-radius: 14px; border: 1px solid var(--line); }
.file { display: inline-flex; align-items: center; gap: 7px; padding: 7px 12px; border: 1px solid var(--line);
  border-radius: 12px; color: var(--link); font-size: 14px; text-decoration: none; }
.file svg { width: 16px; height: 16px; }
.card { display: flex; flex-direction: column; gap: 6px; width: min(280px, 94%); padding: 12px 14px;
  border: 1px solid var(--line); border-radius: 14px; }
.card span { color: var(--quiet); font-size: 13.5px; }

.thumbs { display: inline-flex; align-items: center; gap: 2px; margin-left: -6px; }
.thumbs button { display: grid; place-items: center; width: 28px; height: 28px; border-radius: 8px; color: var(--quiet); }
.thumbs button:hover { background: var(--raised); color: var(--text); }
.thumbs svg { width: 16px; height: 16px; }
.thumbs button[aria-pressed="true"] { color: var(--accent); }
.thumbs button[aria-pressed="true"] svg { fill: color-mix(in srgb, var(--accent) 25%, transparent); }
.thanks { margin-left: 4px; }

.dots { display: inline-flex; gap: 5px; padding: 14px 16px; }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--quiet); animation: breathe 1.3s infinite ease-in-out; }
.dots i:nth-child(2) { animation-delay: .18s; }
.dots i:nth-child(3) { animation-delay: .36s; }
@keyframes breathe { 0%, 60%, 100% { opacity: .3; } 30% { opacity: 1; } }

.jump { align-self: center; display: flex; align-items: center; gap: 6px; margin: -44px 0 8px; padding: 5px 14px 5px 10px;
  border-radius: 18px; background: var(--text); color: var(--surface); font-size: 13px; z-index: 1; }
.jump svg { width: 16px; height: 16px; }

.confirm { display: flex; flex-wrap: wrap; gap: 8px; padding: 12px 16px; border-top: 1px solid var(--line);
  background: var(--raised); font-size: 14px; }
.confirm p { flex-basis: 100%; margin: 0; }
.confirm button { padding: 6px 14px; border: 1px solid var(--line); border-radius: 10px; background: var(--surface); }
.confirm .primary { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }

.composer { display: flex; align-items: flex-end; gap: 8px; padding: 12px; border-top: 1px solid var(--line); }
textarea { flex: 1; min-height: 40px; min-width: 0; resize: none; padding: 8px 14px; border: 1px solid var(--line); border-radius: 20px;
  background: var(--surface); line-height: 1.45; outline-offset: 0; scrollbar-width: none; }
textarea::placeholder { color: var(--quiet); opacity: 1; }
textarea:focus-visible { outline: 2px solid var(--accent); outline-offset: -1px; }
.send { display: grid; place-items: center; width: 40px; height: 40px; border-radius: 50%; flex: none;
  background: var(--accent); color: var(--on-accent); transition: opacity .15s; }
.send:disabled { background: var(--raised); color: var(--quiet); }

.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

@media (max-width: 480px) {
  .panel { inset: 0; width: auto; height: 100dvh; border: 0; border-radius: 0; animation: none; }
  .launcher { right: 16px; bottom: 16px; }
  textarea { font-size: 16px; }
  .composer { padding-bottom: max(12px, env(safe-area-inset-bottom)); }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation-duration: .01ms !important; animation-iteration-count: 1 !important; transition: none !important; }
}
@media (forced-colors: active) {
  .bubble, .launcher, .send { border: 1px solid CanvasText; }
}
@media print { .root { display: none; } }
`;
