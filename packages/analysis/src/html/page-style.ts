/** The style of a report, light and dark. Nothing in it is from outside, and nothing is fetched. */
export const pageStyle = `
:root{color-scheme:light dark;
--page:#f6f7f9;--card:#fff;--text:#1b2430;--dim:#66717f;--line:#e3e7ec;--grid:#eceff3;--soft:#eef2f7;--accent:#1769aa;
--bad:#b3261e;--note:#fff6e0;--noteLine:#e8c66a;--first:#2f7fc1;--second:#e08a1e;
--t0:#2f7fc1;--t1:#e08a1e;--t2:#3a9b6f;--t3:#b0558f;--t4:#7a6bd1;--t5:#c2503f;--t6:#4aa3b5;--t7:#9a9136}
@media (prefers-color-scheme:dark){:root{
--page:#10151b;--card:#181f27;--text:#e4e9ef;--dim:#93a0ae;--line:#2a343f;--grid:#232c36;--soft:#202a35;--accent:#6db3ee;
--bad:#ff8a7a;--note:#2d2717;--noteLine:#6f5a23;--first:#4f9fe0;--second:#f0a44a;
--t0:#4f9fe0;--t1:#f0a44a;--t2:#57bd8d;--t3:#d07bb0;--t4:#9d90ee;--t5:#e27a69;--t6:#6cc3d4;--t7:#bdb45c}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
header,main,footer{max-width:1180px;margin:0 auto;padding:0 20px}
header{padding-top:34px}
.brand{margin:0;color:var(--accent);font-weight:700;letter-spacing:.08em;text-transform:uppercase;font-size:12px}
h1{margin:2px 0 6px;font-size:30px;line-height:1.15;letter-spacing:-.015em}
h2{margin:0 0 2px;font-size:17px;letter-spacing:-.005em}
.inputs{margin:0 0 22px;color:var(--dim);display:flex;gap:4px 18px;flex-wrap:wrap;overflow-wrap:anywhere}
.inputs b{color:var(--text);font-weight:600}
section,.tile{background:var(--card);border:1px solid var(--line);border-radius:10px}
section{padding:18px 20px 16px;margin:0 0 18px;min-width:0}
.about{margin:0 0 12px;color:var(--dim);font-size:13px}
.tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:12px;margin:0 0 18px}
.tile{padding:12px 14px}
.tile dt{color:var(--dim);font-size:12.5px}
.tile dd{margin:0;font-size:23px;font-weight:650;letter-spacing:-.02em;line-height:1.25;font-variant-numeric:tabular-nums}
.tile small{display:block;font-size:12px;font-weight:400;letter-spacing:0;color:var(--dim);line-height:1.35}
.notes{margin:0 0 18px;padding:10px 16px 10px 32px;background:var(--note);border:1px solid var(--noteLine);border-radius:10px;font-size:14px}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:0 18px}
figure{margin:0 0 6px;min-width:0}
figcaption{font-size:13px;font-weight:600;margin:4px 0 2px}
.chart{display:block;width:100%;height:auto;overflow:visible}
.chart text{font-size:12px;fill:var(--dim);font-variant-numeric:tabular-nums}
.chart .name{fill:var(--text);font-size:12.5px}
.grid{stroke:var(--grid)}.axis,.mark{stroke:var(--line)}
.area{stroke:none;opacity:.2}.edge{fill:none;stroke-width:1.6;stroke-linejoin:round}
.hint{fill:transparent}.hint:hover{fill:var(--text);opacity:.09}
.toneTraffic .area{fill:var(--t0)}.toneTraffic .edge{stroke:var(--t0)}
.tonePackets .area{fill:var(--t2)}.tonePackets .edge{stroke:var(--t2)}
.toneFlows .area{fill:var(--t4)}.toneFlows .edge{stroke:var(--t4)}
.tone0{fill:var(--t0);stroke:var(--t0)}.tone1{fill:var(--t1);stroke:var(--t1)}.tone2{fill:var(--t2);stroke:var(--t2)}
.tone3{fill:var(--t3);stroke:var(--t3)}.tone4{fill:var(--t4);stroke:var(--t4)}.tone5{fill:var(--t5);stroke:var(--t5)}
.tone6{fill:var(--t6);stroke:var(--t6)}.tone7{fill:var(--t7);stroke:var(--t7)}
.stack rect,.dot rect{stroke:none}
.ribbon{fill:none;opacity:.34}.ribbon:hover{opacity:.75}
.node{fill:var(--dim)}
.stack{display:block;width:100%;height:20px;border-radius:5px;margin:8px 0 12px;background:var(--soft)}
.dot{width:10px;height:10px;margin-right:8px;vertical-align:-1px}
.swatch{display:inline-block;width:10px;height:10px;border-radius:2px;vertical-align:-1px}
.swatch.first{background:var(--first)}.swatch.second{background:var(--second)}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th{color:var(--dim);font-weight:500;font-size:12.5px;text-align:left;padding:4px 8px;border-bottom:1px solid var(--line);white-space:nowrap}
td{padding:4px 8px;border-bottom:1px solid var(--grid);vertical-align:middle}
tbody tr:last-child td{border-bottom:0}
tbody tr:hover td{background:var(--soft)}
th:first-child,td:first-child{padding-left:0}
th:last-child,td:last-child{padding-right:0}
.key{overflow-wrap:anywhere}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.time{white-space:nowrap;font-variant-numeric:tabular-nums}
.bars{width:26%;min-width:60px}
.bar{display:block;width:100%;height:8px;border-radius:4px}
.whole{fill:var(--soft)}.first{fill:var(--first)}.second{fill:var(--second)}
.dim{color:var(--dim)}.bad{color:var(--bad)}
code{font:12.5px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.tabs>input{position:absolute;opacity:0;pointer-events:none}
.tabs>label{display:inline-block;padding:2px 11px;margin:0 2px 8px 0;border-radius:99px;font-size:13px;color:var(--dim);cursor:pointer}
.tabs>input:checked+label{background:var(--soft);color:var(--text);font-weight:600}
.tabs>input:focus-visible+label{outline:2px solid var(--accent)}
.panes>div{display:none;overflow-x:auto}
.tabs>input:nth-of-type(1):checked~.panes>div:nth-child(1),
.tabs>input:nth-of-type(2):checked~.panes>div:nth-child(2),
.tabs>input:nth-of-type(3):checked~.panes>div:nth-child(3){display:block}
details{border-top:1px solid var(--grid)}
summary{padding:7px 0;cursor:pointer;display:flex;gap:4px 12px;flex-wrap:wrap;font-size:13.5px}
summary b{min-width:44px;font-variant-numeric:tabular-nums}
summary .right{margin-left:auto;color:var(--dim)}
.tag{font-size:12px;padding:0 8px;border-radius:99px;background:var(--soft)}
.fields{margin:2px 0 12px;padding-left:30px;columns:3 240px;font-size:13px;color:var(--dim)}
.fields li{color:var(--text);overflow-wrap:anywhere}
.scroll{overflow-x:auto}
.narrow{display:none}
footer{color:var(--dim);font-size:12.5px;padding-bottom:40px}
@media (max-width:980px){.tiles{grid-template-columns:repeat(3,1fr)}.pair:not(.charts){grid-template-columns:1fr}}
@media (max-width:640px){.tiles{grid-template-columns:repeat(2,1fr)}.pair.charts{grid-template-columns:1fr}.wide{display:none}.narrow{display:block}
section{padding:14px 14px 12px}header,main,footer{padding-left:12px;padding-right:12px}.bars{display:none}td,th{padding:4px 5px}}
@media print{body{background:none}section,.tile{break-inside:avoid}details{break-inside:avoid}}
`
