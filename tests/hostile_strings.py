"""Texts that harm a program that trusts what it is given: code, paths, markup, odd characters.

Each is a thing that some program has once run, read, written or choked on. What would be executed
makes a file called `CANARY`, or reads one that is forbidden.
"""

from __future__ import annotations

CANARY = "simnorm-canary"
TOUCH = f"touch {CANARY}"

CODE = {
    "import": f"__import__('os').system('{TOUCH}')",
    "import in a parameter": f"t(df=__import__('os').system('{TOUCH}'))",
    "open for writing": f"open('{CANARY}','w')",
    "pathlib in a parameter": f"normal(loc=__import__('pathlib').Path('{CANARY}').touch())",
    "builtins by attributes": "().__class__.__bases__[0].__subclasses__()",
    "attribute of numpy": "@numpy.os.system",
    "pandas query": f"@__builtins__.open('{CANARY}','w')",
    "scipy attribute": "scipy.__class__.__mro__(x=1)",
    "a module of ours": "scipy.os.system",
    "power": "9**9**9",
    "power in a parameter": "t(df=9**9**9)",
    "lambda": "lambda: [].append(0)",
    "format": "{0.__class__.__init__.__globals__}",
    "format by width": "{:>9999999999}",
    "percent": "%s%s%s%n%9999999d",
    "template": "{{7*7}}${7*7}<%= 7*7 %>",
    "assignment": f"x = 1\nimport os; os.system('{TOUCH}')",
}
SHELL = {
    "semicolon": f"normal; {TOUCH}",
    "substitution": f"$({TOUCH})",
    "backticks": f"`{TOUCH}`",
    "pipe": f"|{TOUCH}",
    "and": f"normal && {TOUCH} #",
    "redirection": f"> {CANARY}",
    "quotes": f"'\"; {TOUCH}; '\"",
    "option": "--help",
    "option of another program": f"-oProxyCommand={TOUCH}",
    "variable": "$HOME",
    "home": "~",
    "wildcard": "*",
}
PATHS = {
    "above": "../escaped",
    "above twice": "../../escaped",
    "through a folder": "runs/../../escaped",
    "passwords": "../../../../../../../../../../etc/passwd",
    "absolute": "/etc/passwd",
    "backslashes": "..\\..\\escaped",
    "drive": "C:\\Windows\\system32",
    "share": "\\\\host\\share\\x",
    "reserved": "CON",
    "reserved with an ending": "aux.csv",
    "device": "/dev/zero",
    "process": "/proc/self/mem",
    "dots": "...",
    "here": ".",
    "300 bytes": "n" * 300,
    "4,000 folders": "d/" * 4000,
}
ADDRESSES = {
    "command in an address": f"tcp://a;{TOUCH}",
    "http": "http://127.0.0.1:9/x.csv",
    "file": "file:///etc/passwd",
    "unix socket": "unix:///etc/passwd",
    "inproc": "inproc://127.0.0.1/1/1",
    "s3": "s3://bucket/key.parquet",
    "ssh": f"ssh://-oProxyCommand={TOUCH}/x",
    "port out of range": "tcp://127.0.0.1:99999",
    "closed port": "tcp://127.0.0.1:9",
}
MARKUP = {
    "Typst reads": '#read("/etc/passwd")',
    "Typst runs": '#eval("read(\\"/etc/passwd\\")") #panic()',
    "Typst markup": '*b* _i_ `r` @ref <label> #let x = 1; [c] \\e $ "',
    "mathematics": "$\\frac{1}{0}$",
    "one dollar": "$x",
    "TeX": f"\\input{{/etc/passwd}}\\write18{{{TOUCH}}}",
    "script": "<script>alert(1)</script>",
    "SVG entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    "Markdown": "[x](javascript:alert(1)) ![](http://127.0.0.1/x) | a | <img src=x onerror=y>",
    "fence": "```\n# heading\n|a|b|\n",
}
DATA = {
    "SQL": "x'); drop table nodes; --",
    "spreadsheet command": f"=cmd|' /C {TOUCH}'!A0",
    "spreadsheet formula": '@SUM(1+1)*HYPERLINK("http://127.0.0.1/?"&A1)',
    "plus": "+1+1",
    "minus": "-2+3",
    "TOML": 'x"\nstudy = "sweep"\n[a.b]\nc = """',
    "JSON": '{"__class__": "os.system", "a": NaN, "b": [1e999]}',
    "YAML": f"!!python/object/apply:os.system ['{TOUCH}']",
    "pickle": f"cos\nsystem\n(S'{TOUCH}'\ntR.",
    "comma and quote": 'a,"b\r\nc",""d',
    "nested": "(" * 2000 + ")" * 2000,
    "nested brackets": "[" * 5000,
    "5,000 letters": "a" * 5000,
    "100,000 letters": "b" * 100_000,
    "empty": "",
    "blank": "  ",
}
NUMBERS = {
    "1e400": "1e400",
    "-1e400": "-1e400",
    "nan": "nan",
    "inf": "inf",
    "hexadecimal": "0x10",
    "underscore": "1_000",
    "full-width digits": "\uff11\uff12",
    "5,000 digits": "9" * 5000,
    "twenty digits": "9" * 20,
    "minus one": "-1",
    "tiny": "1e-999",
    "true": "true",
    "range without an end": "1:99999999999:1",
    "dense range": "1:2147483647:1",
}
CHARACTERS = {
    "NUL": "nor\0mal",
    "newline": "normal\ninjected: line",
    "carriage return": "normal\rsimnorm: all is well",
    "escape sequence": "\x1b[2J\x1b[31mnormal\x1b]0;title\x07",
    "C1 escape": "\x9b31mnormal",
    "backspaces": "evil\b\b\b\bgood",
    "delete": "nor\x7fmal",
    "right to left": "\u202elamron\u202c",
    "isolate": "\u2067normal",
    "zero width": "nor\u200bmal\ufeff",
    "line separator": "nor\u2028mal\u2029",
    "half a pair": "nor\ud800mal",
    "byte that is no text": "nor\udcffmal",
    "noncharacter": "\ufffe\uffff",
    "emoji": "\U0001f4a5\U0001f469\u200d\U0001f52c",
    "marks piled up": "n" + "\u0301" * 500,
    "Cyrillic look-alike": "n\u043ermal",
    "Turkish": "\u0130nf\u0131nity",
    "ligature": "\ufb01le",
}
STRINGS = CODE | SHELL | PATHS | ADDRESSES | MARKUP | DATA | NUMBERS | CHARACTERS
