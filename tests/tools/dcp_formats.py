"""What credentials look like between partners: VC 1.1 and 2.0 as JWT, in presentations of ours and of others, one kind in
each; and what is no JWT is called so, in both languages."""
import json
import os
import shutil
import tempfile
import uuid

from member import Member
from node import check, finish
from party import DCP, SCOPE, Host, Party, claims_of, stamp, unb64

TOP = tempfile.mkdtemp(prefix="kanhe-formats.")
CA = os.path.join(TOP, "ca")
MEMBER = SCOPE + "MembershipCredential:read"
V2 = "https://www.w3.org/ns/credentials/v2"
CATALOG = {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage"}
NO_JSON_LD = "proofs embedded in JSON-LD are not supported"


def header_of(jwt):
    return json.loads(unb64(jwt.split(".")[0]))


def envelope(jwt):
    return {"@context": V2, "id": "data:application/vc+jwt," + jwt, "type": "EnvelopedVerifiableCredential"}


def presentation_v2(holder, aud, credentials):
    """Of VC 2.0: the claims are the presentation."""
    return holder.key.jwt({"@context": [V2], "type": ["VerifiablePresentation"], "holder": holder.did, "iss": holder.did, "aud": aud,
                           "jti": uuid.uuid4().hex, "exp": 4000000000, "verifiableCredential": credentials}, kid=holder.kid, typ="vp+jwt")


def ask(**claims):
    """The catalog of maker, as the holder asks for it."""
    status, got, _ = maker.request("POST", "/p/maker/dsp/2025-1/catalog/request", CATALOG,
                                   headers={"Authorization": "Bearer " + holder.token(maker.did, **claims)})
    return status, json.dumps(got)


def admitted(what, make):
    holder.presents(make)
    status, text = ask()
    check(what + " is taken", status == 200, (status, text))


def refused(what, make, words):
    holder.presents(make)
    status, text = ask()
    check(f"{what} is refused: {words}", status == 401 and words in text, (status, text))


maker, wallet = nodes = [Member(name, CA) for name in ("maker", "wallet")]
host = Host(CA)
issuer, holder, asker = Party(host, "issuer"), Party(host, "holder", "p256"), Party(host, "asker")
try:
    maker.configure(accept="dcp", issuers=f"{issuer.did}=MembershipCredential", require="MembershipCredential")
    wallet.configure(accept="did")
    for n in nodes:
        n.start()

    # ---- theirs
    one, two = (lambda: issuer.credential(holder.did)), (lambda: issuer.credential(holder.did, v2=True))
    admitted("VC 1.1 in a presentation of 1.1", lambda aud: [holder.presentation(aud, [one()])])
    admitted("VC 2.0 in an envelope", lambda aud: [presentation_v2(holder, aud, [envelope(two())])])
    admitted("one envelope that is no list", lambda aud: [presentation_v2(holder, aud, envelope(two()))])
    admitted("one JWT that is no list", lambda aud: [holder.presentation(aud, one())])
    refused("an envelope of something else", lambda aud: [presentation_v2(holder, aud, {**envelope(two()), "id": "data:text/plain,x"})], NO_JSON_LD)
    embedded = {"@context": [V2], "type": ["VerifiableCredential"], "issuer": issuer.did, "credentialSubject": {"id": holder.did},
                "proof": {"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "proofValue": "z3"}}
    whole = {"@context": [V2], "type": ["VerifiablePresentation"], "verifiableCredential": [embedded], "proof": embedded["proof"]}
    refused("a credential with a proof in JSON-LD", lambda aud: [holder.presentation(aud, [embedded])], "verifiableCredential holds what is not a JWT; " + NO_JSON_LD)
    refused("alone", lambda aud: [holder.presentation(aud, embedded)], "verifiableCredential holds what is not a JWT; " + NO_JSON_LD)
    refused("as a text", lambda aud: [holder.presentation(aud, [json.dumps(embedded)])], "only JWT are read here: " + NO_JSON_LD)
    refused("a presentation with a proof in JSON-LD", lambda aud: [whole], "presentation: only JWT are read here: " + NO_JSON_LD)
    refused("as a text", lambda aud: [json.dumps(whole)], "only JWT are read here: " + NO_JSON_LD)
    for language, words in (("C.UTF-8", NO_JSON_LD), ("zh_CN.UTF-8", "不支持嵌入 JSON-LD 的证明")):
        status, out, err = wallet.kanhe("credential", "add", "-", stdin=json.dumps(embedded), env={"LC_ALL": language})
        check(f"nor is it held ({language})", status == 1 and words in out + err, (status, out, err))
    issuer.status_list(exp=1000)
    status = issuer.status_entry(3)
    refused("a list that has expired", lambda aud: [holder.presentation(aud, [issuer.credential(holder.did, status=status)])], "credentialStatus: the status list has expired")
    nowhere = {**status, "statusListCredential": "https://169.254.169.254/list"}
    refused("a list at an address that is not called", lambda aud: [holder.presentation(aud, [issuer.credential(holder.did, status=nowhere)])],
            "the status list cannot be had (its address is not called from here)")
    refused("a list that is not there", lambda aud: [holder.presentation(aud, [issuer.credential(holder.did, status={
        **status, "statusListCredential": issuer.base + "/none"})])], "the status list cannot be had (404)")

    # ---- ours: one kind in each presentation
    for jwt in (issuer.credential(wallet.did), issuer.credential(wallet.did, v2=True), issuer.credential(wallet.did)):
        wallet.ok("hold", "credential", "add", "-", stdin=jwt)
    status, out, err = wallet.kanhe("credential", "add", "-", stdin=issuer.credential(wallet.did, v2=True, validUntil=stamp(1000000000)))
    check("one that has expired is not held, and no token is asked for", status == 1 and "the credential has expired" in out + err and "--token" not in out + err, (status, out, err))
    opener = {}
    host.page("/asker/.well-known/dspace-version", {"protocolVersions": [{"version": "2025-1", "path": "/dsp/2025-1", "binding": "HTTPS"}]})
    host.pages["/asker/dsp/2025-1/catalog/request"] = lambda method, headers, body: (
        opener.update(token=claims_of(headers["Authorization"][7:])["token"]) or (404, {}, b""))
    wallet.kanhe("catalog", asker.did)
    status, got, _ = wallet.request("POST", "/p/wallet/dcp/presentations/query", {"@context": [DCP], "type": "PresentationQueryMessage", "scope": [MEMBER]},
                                    headers={"Authorization": "Bearer " + asker.token(wallet.did, token=opener["token"])})
    check("a presentation of each kind", status == 200 and len(got["presentation"]) == 2, got)
    old, new = got["presentation"]
    vp = claims_of(old)["vp"]
    check("of 1.1 as a claim", header_of(old)["typ"] == "JWT" and vp["@context"] == ["https://www.w3.org/2018/credentials/v1"]
          and [claims_of(c)["vc"]["credentialSubject"]["id"] for c in vp["verifiableCredential"]] == 2 * [wallet.did], vp)
    vp = claims_of(new)
    check("of 2.0 as the claims", header_of(new)["typ"] == "vp+jwt" and vp["@context"] == [V2] and vp["type"] == ["VerifiablePresentation"]
          and "vp" not in vp and len(vp["verifiableCredential"]) == 1, vp)
    inside = vp["verifiableCredential"][0]
    check("in an envelope", inside["@context"] == V2 and inside["type"] == "EnvelopedVerifiableCredential"
          and claims_of(inside["id"].removeprefix("data:application/vc+jwt,"))["@context"] == [V2], inside)
    check("both of the holder, for the asker", all((claims_of(p)["iss"], claims_of(p)["aud"]) == (wallet.did, asker.did) for p in (old, new)))
finally:
    for n in nodes:
        n.close()
    host.close()
    shutil.rmtree(TOP, ignore_errors=True)
finish()
