"""The DCAT-AP export of a real catalog, read as RDF and checked by a SHACL engine; and each thing that the profile
demands taken away once, so that the check is seen to bite."""
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import node as nodes  # noqa: E402
from node import Node, check  # noqa: E402
from pyshacl import validate  # noqa: E402
from rdflib import Graph, Namespace, RDF  # noqa: E402

DCAT, DCT = Namespace("http://www.w3.org/ns/dcat#"), Namespace("http://purl.org/dc/terms/")
FOAF, SPDX = Namespace("http://xmlns.com/foaf/0.1/"), Namespace("http://spdx.org/rdf/terms#")
RICH = {"id": "rich", "title": {"en": "Pump pressure", "zh": "泵压力"}, "description": "Pressure of the pumps of hall 4",
        "creator": "https://maker.example/", "publisher": "https://maker.example/", "temporal": {"start": "2026-01-01", "end": "2026-02-01"},
        "spatial": "Hall 4", "theme": ["https://example.org/theme/energy", "pumps"], "keywords": ["pump", "pressure"], "license": "https://example.org/l",
        "version": "1.2", "issued": "2026-01-31", "conforms_to": ["https://example.org/standard"], "language": ["http://publications.europa.eu/resource/authority/language/ENG"],
        "landing_page": "https://maker.example/pumps", "type": "http://purl.org/dc/dcmitype/Dataset", "properties": {"line": "L7"}}


def conforms(g):
    ok, _, text = validate(g, shacl_graph=os.path.join(HERE, "shapes.ttl"), shacl_graph_format="turtle", inference="none", advanced=False)
    return ok, text


def main():
    top = tempfile.mkdtemp(prefix="kanhe-dcat.")
    n = Node("--participant", "maker", clear=False, inside=top)
    try:
        data = os.path.join(top, "data.csv")
        with open(data, "w", encoding="utf-8") as f:
            f.write("t,v\n1,2\n")
        status, out, err = n.kanhe("publish", data, "--id", "plain")
        check("publish", status == 0, out + err)
        status, got, _ = n.request("POST", "/participants/maker/datasets", json.dumps(
            {**RICH, "policy": {"permission": [{"action": "use"}]}, "content_of": "plain"}).encode(), token="owner")
        check("publish with everything", status == 200, got)
        status, out, err = n.kanhe("catalog", "--format", "dcat-ap")
        check("export", status == 0, err)
        g = Graph().parse(data=out, format="json-ld")
        ok, text = conforms(g)
        check("the export conforms", ok, text)
        check("two datasets, two distributions, one service", [len(list(g.subjects(RDF.type, t))) for t in (
            DCAT.Dataset, DCAT.Distribution, DCAT.DataService, DCAT.Catalog)] == [2, 2, 1, 1])
        rich = next(s for s in g.subjects(DCT.identifier, None) if str(g.value(s, DCT.identifier)) == "rich")
        check("titles by language", {(str(t), t.language) for t in g.objects(rich, DCT.title)} == {("Pump pressure", "en"), ("泵压力", "zh")})
        check("the same in Turtle", len(Graph().parse(data=g.serialize(format="turtle"), format="turtle")) == len(g))
        status, out, err = n.kanhe("catalog", "--format", "dcat-ap", "rich")
        one = Graph().parse(data=out, format="json-ld")
        check("one dataset alone is RDF, too", status == 0 and len(list(one.subjects(RDF.type, DCAT.Dataset))) == 1, out + err)
        for what, kind, prop in (("title of the catalog", DCAT.Catalog, DCT.title), ("its description", DCAT.Catalog, DCT.description),
                                 ("its publisher", DCAT.Catalog, DCT.publisher), ("title of a dataset", DCAT.Dataset, DCT.title),
                                 ("its description", DCAT.Dataset, DCT.description), ("access URL", DCAT.Distribution, DCAT.accessURL),
                                 ("endpoint of the service", DCAT.DataService, DCAT.endpointURL), ("name of an agent", FOAF.Agent, FOAF.name),
                                 ("value of the checksum", SPDX.Checksum, SPDX.checksumValue)):
            less = Graph()
            for t in g:
                if not (t[1] == prop and (t[0], RDF.type, kind) in g):
                    less.add(t)
            check(f"without the {what} it does not conform", len(less) < len(g) and not conforms(less)[0])
    finally:
        n.close()
        shutil.rmtree(top, ignore_errors=True)
    print(f"{nodes.passed} passed, {nodes.failed} failed, 0 skipped")
    sys.exit(1 if nodes.failed or not nodes.passed else 0)


main()
