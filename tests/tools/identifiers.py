"""Identifiers of every scheme: explained without a node, then delegated, registered and resolved over two."""
import json
import tempfile

from node import Node, check, finish, run


def explain(*args, **more):
    status, out, err = run("id", "--json", *args, **more)
    return status, [json.loads(line) for line in out.splitlines()], err


# ---- kanhe id ----
status, out, err = run("id", "88.118.8/JXDY2106023")
check("id: one identifier", status == 0 and "handle" in out and "0.NA/88.118.8" in out and not err, out + err)
status, out, err = run("id", "01/09506000134353")
lines = out.splitlines()
check("id: a caret under the digit", status == 1 and lines[0] == "01/09506000134353" and lines[1] == " " * 16 + "^", out)
check("id: the rule and its offset", "check-digit at offset 16" in lines[2] and not err, out + err)
status, out, err = run("id", "https://例.example/")
check("id: the caret minds wide characters", out.splitlines()[1] == " " * 8 + "^", out)
status, out, err = run("id", "88.8/中文\u202e")
check("id: what is invisible is shown as octets", "\u202e" not in out and r"\xe2\x80\xae" in out
      and out.splitlines()[1] == " " * 9 + "^", out)
status, out, err = run("id", "88.8/" + "x" * 400 + "\x01" + "y" * 400)
check("id: of a long one, what is around", status == 1 and max(map(len, out.splitlines()[:2])) <= 80
      and out.splitlines()[0].index("\\x01") == out.splitlines()[1].index("^"), out)
status, out, err = run("id", "88..8/x", env={"LC_ALL": "zh_CN.UTF-8"})
check("id: in Chinese", status == 1 and "有一段为空" in out and "偏移 3" in out, out)
# what is refused is said in Chinese with all that the English says: texts as `--as SCHEME TEXT`, or TEXT alone
SAID = [("pump", "不属于任何已知的标识体系（handle aas oid urn did ecode iec61406 gs1 uri）"), ("88.118.8", "这是 handle 体系的前缀，不是标识"),
        ("950600", "这是 gs1 体系的前缀，不是标识"), ("88.8/" + "x" * 2050, "标识最长 2048 字节"), ("1." * 40 + "/x", "前缀最多 32 段"),
        ("E=1", "该版本的 NSI 须为 4 位数字"), ("E=10000" + "1" * 21, "该版本的主码最多 20 个字符"), ("E=9", "Ecode 以版本号开头，须为 1 至 4 的数字"),
        ("urn:x", "命名空间为 2 至 32 个字符，其后须有冒号"), ("urn:a_b:c", "命名空间只能使用字母、数字与中间的连字符"),
        ("did:web:A.example", "主机须为小写域名或 IPv4 地址"), ("did:web:a.example:..", "路径段为空，或为“.”“..”"), ("did:key:z1", "公钥类型未知"),
        ("https://[::1/x", "地址缺少右方括号"), ("Https://id.gs1.org/01/09506000134352", "URI 须以全小写或全大写的 http:// 或 https:// 开头"),
        ('{"name"', "成员名之后须有冒号"), ('{"name":"x"', "对象缺少右花括号"), ('{"name":"x","value":"y"}z', "对象之后有多余内容"),
        ('{"name":"","value":"y"}', "name 与 value 不得为空"), ('{"name":"x', "文本缺少右引号"), ('{"name":"\\q"}', "不是 JSON 的转义序列"),
        ('{"name":"' + "x" * 500 + '","value":"y"}', "name 最长 255 字节"),
        ("(01)1", "（01）的值至少 14 个字符"), ("(01)095060001343521", "（01）的值最多 14 个字符"), ("(10)", "（10）的值为空"), ("(01)0950600013435x", "（01）的值此处须为数字"),
        ("(10)ü", "（10）的值此处须为 GS1 字符集 82 中的字符"), ("(01)09506000134353", "（01）的值的校验位不符"), ("(1234)1", "1234 不是 GS1 应用标识符（AI）"),
        ("()1", "括号中没有应用标识符（AI）"), ("01/09506000134352/10/A/22/B", "（22）不能在此处限定（01）"), ("(01)09506000134352(10)A(10)B", "（10）重复出现且值不同"),
        ("01/09506000134352?17=251231&17=251231", "（17）重复出现"), ("01/09506000134352?10=A", "限定符（10）须写在路径中"),
        ("01/09506000134352?8200=x", "（8200）不能作为链接的属性"), ("(01)09506000134352(37)1", "（01）不能与（37）同时出现"), ("(10)A(17)251231", "（10）须与 01,02,03,8006,8026 同时出现"),
        ("https://id.gs1.org/x", "路径中没有 GS1 主键及其值与限定符"), ("]E01", "GTIN 须为 8、12、13 或 14 位数字"), ("]C1" + "1" * 2050, "GS1 消息最长 2048 字节"), ("(8030)abc=", "（8030）的值须以一个或两个 = 填充到三的倍数")]
status, out, err = run("id", "--json", *(text for text, _ in SAID), env={"LC_ALL": "zh_CN.UTF-8"})
got = [json.loads(line) for line in out.splitlines()]
check("id: all are refused in Chinese", len(got) == len(SAID) and status == 1 and not err, err)
for (text, said), g in zip(SAID, got):
    check(f"id: {text[:60]} in Chinese", not g["valid"] and g["error"]["message"] == said, g)
status, got, err = explain("1.2.156.3001.1", "E=100A0123", "did:web:example.com", "0x")
check("id --json: one object a line, whatever is refused", status == 1 and len(got) == 4 and not err, err)
check("id --json: parts by their names", got[0] == {
    "input": "1.2.156.3001.1", "valid": True, "scheme": "oid", "canonical": "1.2.156.3001.1",
    "boundaries": ["urn:oid:", "urn:oid:1", "1.2", "1.2.156", "1.2.156.3001", "1.2.156.3001.1"],
    "oid": "1.2.156.3001.1", "urn": "urn:oid:1.2.156.3001.1", "iri": "/1/2/156/3001/1",
    "ors_fqdn": "1.3001.156.2.1.oid-res.org."}, got[0])
check("id --json: a refusal", got[1]["valid"] is False and got[1]["scheme"] == "ecode"
      and got[1]["error"]["rule"] == "nsi" and got[1]["error"]["offset"] == 5 and got[1]["error"]["message"], got[1])
check("id --json: nobody's", "scheme" not in got[3] and got[3]["error"]["rule"] == "scheme", got[3])
status, got, err = explain(stdin="88.118.8/a\r\n\n10.1000/abc\nE=400020产品")
check("id: from standard input, empty lines passed over", status == 0
      and [g["canonical"] for g in got] == ["88.118.8/a", "10.1000/ABC", "E=400020产品"], got)
status, got, err = explain(stdin="x" * 200000 + "\n88.1/x\n")
check("id: the mark of an editor in front is no part of the first", explain(stdin="\ufeff88.1/x\n88.1/y\n")[1][0]["canonical"] == "88.1/x")
check("id: but of another line", [g["valid"] for g in explain(stdin="88.1/x\n\ufeff88.1/y\n")[1]] == [True, False])
check("id: a line that is too long is refused, the next is read", status == 1
      and [g["valid"] for g in got] == [False, True], [g["valid"] for g in got])
status, got, err = explain("--as", "ecode", "1000012345678901234567890")
check("id --as: read as told", status == 0 and got[0]["v"] == 1 and got[0]["nsi"] == "0000", got)
status, got, err = explain("--as", "oid", "88.118.8/x")
check("id --as: refused as told", status == 1 and got[0]["scheme"] == "oid", got)
status, out, err = run("id", "--as", "handel", "x")
check("id --as: a misspelt scheme", status == 2 and "handle" in err and not out, err)
status, got, err = explain("https://example.com/" + "a" * 81)
check("id: a long link is warned of", got[0]["warnings"] == ["over-100-characters"] and got[0]["length"] == 101, got)

status, got, err = explain("https://[2001:DB8::1]:8443/p", "coap://[::1]/x", "https://example.com:8443/p")
check("id: the host of a link, an address with its colons", [g["host"] for g in got] == ["[2001:db8::1]", "[::1]", "example.com"], got)

KEYS = ["(00)395241045750040793", "(01)09506000134352", "(253)9520123456788XYZ", "(255)9520123456788", "(401)9520123ABC",
        "(402)95201234567891235", "(414)9520123456788", "(415)9520123456788(8020)INV1", "(417)9520123456788", "(8003)09520123456788A1B2",
        "(8004)9520123ABC", "(8006)095201234567880102", "(8010)9520123ABC-7", "(8013)1987654Ad4X4bL5ttr2310c2K", "(8017)952012345678900014",
        "(8018)952012345678900014"]
status, got, err = explain(*KEYS)
check("id: all 16 primary keys of GS1", status == 0 and len(got) == 16 and all(g["scheme"] == "gs1" and g["canonical_uri"] and g["compressed"] for g in got), got)
status, again, err = explain(*(g["compressed"] for g in got), *(g["barcode_message"] for g in got))
check("id: the same compressed, and as a reader sends them", status == 0
      and [a["canonical_uri"] for a in again] == [g["canonical_uri"] for g in got] * 2, again)
status, got, err = explain("96385074", "614141322602", "9506000134352", "09506000134352", "]E09506000134352", "]C10109506000134352",
                           "]d20109506000134352\x1d", "]Q1https://id.gs1.org/01/09506000134352")
check("id: GTIN-8, -12, -13, -14, bare and as readers send them", status == 0 and [g["gtin14"] for g in got]
      == ["00000096385074", "00614141322602"] + ["09506000134352"] * 6, got)
status, got, err = explain("010950600013435210A/B\x1d17251231", "00395241045750040793")
check("id: a barcode whose reader says nothing of it", status == 0 and [g["element_string"] for g in got]
      == ["(01)09506000134352(10)A/B(17)251231", "(00)395241045750040793"], got)
status, got, err = explain("(10)ABC", "(415)9520123456788", "(01)09506000134352(10)ABC")
check("id: of an element alone, what it needs beside it", status == 0 and [(g.get("warnings"), g.get("needs")) for g in got]
      == [(["missing"], "01,02,03,8006,8026"), (["missing"], "8020"), (None, None)], got)
status, got, err = explain("9506000134353", "96385075")
check("id: of a bare number with a wrong digit, which it is", status == 1 and [(g["scheme"], g["error"]["rule"], g["error"]["offset"]) for g in got]
      == [("gs1", "check-digit", 12), ("gs1", "check-digit", 7)], got)
status, got, err = explain("https://example.org/CxFKk4XB0MpZyemo", "https://example.org/about")
check("id: a link that may be compressed says what it would be", [g.get("gs1_canonical_uri") for g in got]
      == ["https://id.gs1.org/01/09506000134376/10/LOT01", None] and got[0]["scheme"] == "iec61406", got)
status, out, err = run("id", "09506000134352")
check("id: to people the same is not said twice", "  compressed  " in out and "compressed_optimised" not in out, out)
status, out, err = run("id", "--as", "gs1", "https://example.org/01/09506000134376/10/LOT01")
check("id: but what differs is", "compressed_optimised  https://example.org/CxFKk4XB0MpZyemo" in out, out)
status, got, err = explain("--as", "aas", "88.118.8/SN-000123")
check("id --as aas: how its interfaces write it", got[0]["scheme"] == "handle" and got[0]["base64url_no_padding"] == "ODguMTE4LjgvU04tMDAwMTIz"
      and got[0]["identifier"] == "88.118.8/SN-000123" and got[0]["asset_ids_query"].startswith("eyJ"), got)

# ---- over nodes: what the top has, what it gives away, an identifier there, another form of it, one that stays ----
SCHEMES = [
    ("oid", "1.2.156.3001", "1.2.156.3001.5", "1.2.156.3001.5.7", "/ISO/Member-Body/156/3001/5/7", "1.2.156.3001.6"),
    ("did", "did:web:example.com", "did:web:example.com:plant", "did:web:example.com:plant:7", None, "did:web:example.com:office"),
    ("urn", "urn:", "urn:uuid:", "urn:uuid:24953458-7bd0-40b8-888f-3191d8d6af26", "24953458-7BD0-40b8-888f-3191d8d6af26", "urn:isbn:9780131103627"),
    ("ecode", "E=1", "E=10036", "E=1003612345", "https://www.iotroot.com/E=1003612345", "E=1000012345"),
    ("iec61406", "https://example.com/", "https://example.com/line-4/", "https://example.com/line-4/P-100?s=1", "HTTPS://Example.com:443/line-4/P-100?s=1", "https://example.com/other"),
    ("aas", "aas:", '{"name":"serialNumber"}', '{"name":"serialNumber","value":"SN-1"}', '{ "value":"SN-1", "name":"serialNumber" }', '{"name":"batch","value":"7"}'),
    ("uri", "coap:", "coap://plant.example/", "coap://plant.example/pump", "COAP://Plant.example/%70ump", "coap://office.example/"),
    ("handle", "10", "10.1000", "10.1000/ABC", "https://doi.org/10.1000/abc", "10.2000/X"),
    ("gs1", "950600", "9506000", "https://id.gs1.org/01/09506000134352", "(01)09506000134352", "https://id.gs1.org/01/09506009999990"),
]
ca = tempfile.TemporaryDirectory(prefix="kanhe-test-ca.")
top = Node("--ca", ca.name, "--authority", ",".join(s[1] for s in SCHEMES))
maker = None
try:
    maker = Node("--ca", ca.name, "--authority", ",".join(s[2] for s in SCHEMES), "--anchor-node", top.folder, "--recursive")
    status, out, err = top.kanhe("delegate", *(s[2] for s in SCHEMES), "--to", maker.folder)
    check("delegations of every scheme", status == 0, out + err)
    status, out, err = top.kanhe("delegate", "--list", "--json")
    check("their prefixes are printed as given", status == 0
          and {d["prefix"] for d in json.loads(out)["delegations"]} == {s[2] for s in SCHEMES}, out)
    for scheme, above, prefix, text, other, stays in SCHEMES:
        status, out, err = maker.kanhe("register", text, "URL=https://maker.example/")
        check(f"{scheme}: registered under its prefix", status == 0, out + err)
        status, out, err = maker.kanhe("register", stays, "URL=https://maker.example/")
        check(f"{scheme}: refused outside of it", status in (1, 6), out + err)
        status, out, err = top.kanhe("register", stays, "URL=https://top.example/")
        check(f"{scheme}: what is not given away", status == 0, out + err)
        status, out, err = top.kanhe("register", text, "URL=https://top.example/")
        check(f"{scheme}: what is given away is refused above", status in (1, 6), out + err)
        for form in (text, other or text):
            status, out, err = maker.kanhe("resolve", form, "--json")
            got = json.loads(out) if status == 0 else {}
            check(f"{scheme}: {form} is found", got.get("id") == text and got.get("scheme") == scheme, out + err)
        status, out, err = maker.kanhe("resolve", stays, "--trace", "--json")
        got = json.loads(out) if out else {}
        check(f"{scheme}: asked of the node above", got.get("state") == "secure" and got.get("scheme") == scheme
              and got["answer"]["id"] == stays and got["answer"]["scheme"] == scheme, out + err)
        status, out, err = top.kanhe("resolve", text, "--iterative", "--json")
        got = json.loads(out.splitlines()[-1]) if out else {}
        check(f"{scheme}: the node above refers, and says the scheme", got.get("scheme") == scheme
              and got.get("referral", {}).get("prefix") == prefix, out + err)
    status, out, err = maker.kanhe("resolve", "1.2.156.3001.5.8", "--json")
    check("not found says the scheme", status == 3 and json.loads(out)["scheme"] == "oid", out + err)
    status, out, err = maker.kanhe("resolve", "1.2.156.3001.5.8")
    check("also to people", status == 3 and "[oid]" in err, err)
    status, out, err = maker.kanhe("resolve", "E=100A0", "--json")
    check("what is malformed says the scheme too", status == 1 and json.loads(out)["scheme"] == "ecode"
          and json.loads(out)["rule"] == "nsi", out + err)
    status, out, err = maker.kanhe("resolve", "pump", "--json")
    check("what is nobody's says none", status == 1 and "scheme" not in json.loads(out)
          and json.loads(out)["rule"] == "scheme", out + err)
    status, got, headers = maker.request("POST", "/resolve", {"ids": ["did:web:example.com:plant:7", "1.40", "urn:uuid:24953458-7bd0-40b8-888f-3191d8d6af27"]})
    check("a batch says the schemes", status == 200 and [a.get("scheme") for a in got["answers"]] == ["did", "oid", "urn"], got)
    check("and the rule", got["answers"][1]["rule"] == "second-arc" and got["answers"][1]["offset"] == 2, got)
    for path, said in (("01/09506000134353", "（01）的值的校验位不符"), ("88.118.8", "这是 handle 体系的前缀，不是标识"), ("1.2.156.3001.5.8", "没有注册该标识")):
        status, got, headers = maker.request("GET", "/resolve/" + path, headers={"Accept-Language": "zh-CN"})
        check(f"{path}: in Chinese, what is wrong too", status in (400, 404) and got["detail"] == said, got)
    status, out, err = maker.kanhe("resolve", "01/09506000134353", env={"LC_ALL": "zh_CN.UTF-8"})
    check("by the command line as well", status == 1 and "（01）的值的校验位不符" in err, err)
    status, got, headers = maker.request("GET", "/resolve/1.2.156.3001.5.7", headers={"Accept": "text/html"})
    check("the page says the scheme", status == 200 and b"oid" in got, got)
    page = lambda path, language="en": maker.request("GET", "/resolve/" + path, headers={"Accept": "text/html", "Accept-Language": language})
    status, got, headers = page("01/09506000134353", "zh")
    check("to a browser what is malformed is a page, with the place and the rule", status == 400 and "text/html" in headers["Content-Type"]
          and "<h1>01/0950600013435<mark>3</mark></h1>".encode() in got and "体系：gs1".encode() in got and "（01）的值的校验位不符".encode() in got, got)
    status, got, headers = page("88.1%2F%E2%80%AE%3Cb%3E")
    check("that shows what is invisible, and is no other page", status == 400 and rb"<h1>88.1/<mark>\xe2\x80\xae</mark>&lt;b&gt;</h1>" in got
          and "\u202e".encode() not in got and "default-src 'none'" in headers["Content-Security-Policy"], got)
    status, got, headers = page("88.118.8/")
    check("also behind its end, which has a mark", status == 400 and b"<h1>88.118.8/<mark>&nbsp;</mark></h1>" in got and b"the suffix is empty" in got, got)
    status, got, headers = page("1.2.156.3001.5.8", "zh")
    check("what is not registered is told as such on its page", status == 404 and "没有注册该标识".encode() in got, got)
    for text in ("10.2000/A/../B", "10.2000/./B", "10.2000/.."):
        status, out, err = top.kanhe("register", text, "URL=https://top.example/")
        check(f"{text}: registered", status == 0, out + err)
        for node in (top, maker):
            status, out, err = node.kanhe("resolve", text, "--json")
            check(f"{text}: no segment is resolved away on its way", status == 0 and json.loads(out)["id"] == text, out + err)
    status, out, err = top.kanhe("register", "https://example.com/a/../b", "URL=x")
    check("a link with dot segments is refused, not read as another", status == 1 and "dot-segment" in err, out + err)
    alias = '{"name":"globalAssetId","value":"10.1000/abc"}'
    status, out, err = maker.kanhe("resolve", alias, "--json")
    check("an asset's id is the identifier that it is", status == 0 and json.loads(out)["id"] == "10.1000/ABC", out + err)
    status, out, err = maker.kanhe("node", "token", "add", "line-4", "enterprise", "--scope", '{"name":"serialNumber"} urn:uuid:')
    check("prefixes of new schemes as a token's scope", status == 0, err)
finally:
    if maker:
        maker.close()
    top.close()
    ca.cleanup()
finish()
