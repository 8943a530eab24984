import { test } from "tap";
import { typedDocument } from "../src/format/template/document.ts";
import { compileTemplate } from "../src/format/template/index.ts";
import { container as document } from "./template-rows.ts";

const container = typedDocument(document);

const render = (source: string): string => compileTemplate(source, { exitCode: 64 }).render(container);

test("fields, maps, lists and their absence print as Docker prints them", async (t) => {
  const cases: [string, string][] = [
    ["{{.Id}}", "abc123"],
    ["{{ .NetworkSettings.IPAddress }}", "172.17.0.2"],
    ["{{.State.Running}} {{.State.Pid}} {{.HostConfig.Memory}}", "true 12 536870912"],
    ["{{.Config.Labels.tier}}", "front"],
    ["{{.Config.Labels.nope}}", "<no value>"],
    ['{{index .Config.Labels "com.example.a"}}', "1"],
    ['[{{index .Config.Labels "nope"}}]', "[]"],
    ["{{.Config.Labels}}", "map[Owner:ops com.example.a:1 tier:front]"],
    ["{{.Config.Cmd}} {{.Config.Entrypoint}} {{.Config.Volumes}}", "[nginx -g daemon off;] [] map[]"],
    ["{{.State.Health}}", "<nil>"],
    ["{{index .Config.Cmd 0}}", "nginx"],
    ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "8080"],
    ['{{index .NetworkSettings.Networks "bridge" | json}}', '{"IPAddress":"172.17.0.2"}'],
    ["plain", "plain"],
  ];
  for (const [source, expected] of cases) t.equal(render(source), expected, source);
});

test("range, if, with, variables and trim markers", async (t) => {
  const cases: [string, string][] = [
    ["{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", "10.0.0.3 172.17.0.2 "],
    [
      "{{range $p, $conf := .NetworkSettings.Ports}} {{$p}} -> {{if $conf}}{{(index $conf 0).HostPort}}{{else}}none{{end}}{{end}}",
      " 443/tcp -> none 80/tcp -> 8080",
    ],
    ["{{range .HostConfig.PortBindings}}x{{else}}none{{end}}", "none"],
    ["{{range $i, $e := .Config.Env}}{{if $i}},{{end}}{{$e}}{{end}}", "A=1,B=2"],
    ['{{range .Config.Env}}{{if eq . "B=2"}}{{break}}{{end}}{{.}}{{end}}', "A=1"],
    ['{{range .Config.Env}}{{if eq . "A=1"}}{{continue}}{{end}}{{.}}{{end}}', "B=2"],
    ["{{range .Mounts}}{{.Source}}:{{.Destination}} {{$.Id}}{{end}}", "/src:/dst abc123"],
    ['{{if eq .State.Status "running"}}up{{else if .State.Pid}}odd{{else}}down{{end}}', "up"],
    ["{{if not .State.Running}}a{{else if gt .State.Pid 100}}b{{else}}c{{end}}", "c"],
    ["{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}", "none"],
    ["{{if and .State.Health .State.Health.Status}}x{{else}}y{{end}}", "y"],
    ["{{with .State}}{{.Status}}/{{.Pid}}{{end}}", "running/12"],
    ["{{with .Config.Entrypoint}}x{{else}}empty{{end}}", "empty"],
    ["{{$x := .Id}}{{$y := 1}}{{$y = 2}}{{$x}}{{$y}}", "abc1232"],
    ["a  {{- .Id -}}  b {{- /* note */ -}} c", "aabc123bc"],
  ];
  for (const [source, expected] of cases) t.equal(render(source), expected, source);
});

test("functions", async (t) => {
  const cases: [string, string][] = [
    ["{{len .Config.Env}} {{len .Id}} {{len .Config.Labels}}", "2 6 3"],
    ["{{json .Config.Cmd}}", '["nginx","-g","daemon off;"]'],
    ["{{json .Config.Entrypoint}} {{json .Config.Volumes}}", "null null"],
    ["{{json .State}}", '{"Status":"running","Running":true,"Pid":12,"ExitCode":0}'],
    ["{{json .Config.Labels}}", '{"Owner":"ops","com.example.a":"1","tier":"front"}'],
    ['{{json "<a&b>"}}', '"<a&b>"'],
    ['{{join .Config.Cmd " "}}', "nginx -g daemon off;"],
    ['{{index (split .Name "/") 1}}', "web"],
    ['{{upper .Id}} {{lower "ABC"}} {{title "two words"}}', "ABC123 abc Two Words"],
    ['{{.Id | upper | printf "%s!"}}', "ABC123!"],
    [
      '{{printf "%-8s|%5d|%05d|%.2f|%q|%v|%t|%x|%%" .Id 42 42 1.5 "q" .Config.Env true 255}}',
      'abc123  |   42|00042|1.50|"q"|[A=1 B=2]|true|ff|%',
    ],
    ['{{printf "%d" .Id}}', "%!d(string=abc123)"],
    ["{{range .Config.Env}}{{println .}}{{end}}", "A=1\nB=2\n"],
    ['{{print 1 2 "x" "y"}}', "1 2xy"],
    ['{{if or (eq .State.Pid 1) (ne .Id "x")}}yes{{end}}', "yes"],
    ['{{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge "b" "a"}}', "true true false true"],
    ['{{eq .State.Status "exited" "running"}}', "true"],
    ["{{slice .Id 0 3}}", "abc"],
    ["{{pad .Id 1 2}}|{{truncate .Id 2}}", " abc123  |ab"],
    ["{{not .State.Running}}", "false"],
  ];
  for (const [source, expected] of cases) t.equal(render(source), expected, source);
});

test("an invalid template is reported with Go's message and position", async (t) => {
  const cases: [string, string, number][] = [
    ["{{.Id", "template: :1: unclosed action", 64],
    ["{{.Id }", 'template: :1: unexpected "}" in operand', 64],
    ["{{foo .Id}}", 'template: :1: function "foo" not defined', 64],
    ["{{$x}}", 'template: :1: undefined variable "$x"', 64],
    ["{{range .Config.Env}}x", "template: :1: unexpected EOF", 64],
    ["a\n{{end}}", "template: :2: unexpected {{end}}", 64],
    ["{{if}}x{{end}}", "template: :1: missing value for if", 64],
    ["{{}}", "template: :1: missing value for command", 64],
    ['{{"x}}', "template: :1: unterminated quoted string", 64],
    ["{{(.Id}}", "template: :1: unclosed left paren", 64],
    ["{{.Nope}}", 'template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope in type struct', 1],
    ["{{.Id.Foo}}", 'template: :1:5: executing "" at <.Id.Foo>: can\'t evaluate field Foo in type string', 1],
    [
      "{{index .Config.Env 5}}",
      'template: :1:2: executing "" at <index .Config.Env 5>: error calling index: index out of range: 5',
      1,
    ],
    [
      "{{eq .Id 1}}",
      'template: :1:2: executing "" at <eq .Id 1>: error calling eq: incompatible types for comparison',
      1,
    ],
  ];
  for (const [source, message, exitCode] of cases) {
    t.throws(() => render(source), { message: `template parsing error: ${message}`, exitCode }, source);
  }
});
