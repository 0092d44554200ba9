"""An Eclipse EDC connector with its own DCP extensions. Its wallet, token service and DID document are a participant of
a kanhed; nothing of EDC is replaced. `Membership.java` adds what a data space writes for itself."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "edc"))
import edc  # noqa: E402


class Member(edc.Connector):
    classpath = ("lib/*", "classes")
    arguments = ("--log-level=DEBUG",)  # why it refuses somebody is told there and nowhere else

    def identify(self, did, token_url, client, secret, issuer):
        """Before it is started: who it is, where its tokens come from, whose credentials it believes."""
        self.identity = {
            "edc.participant.id": did, "edc.iam.issuer.id": did, "edc.iam.sts.oauth.token.url": token_url,
            "edc.iam.sts.oauth.client.id": client, "edc.iam.sts.oauth.client.secret.alias": "sts", "kanhe.sts.secret": secret,
            "edc.iam.trusted-issuer.founder.id": issuer, "edc.iam.credential.revocation.cache.validity": 1}

    def properties(self):
        return super().properties() + "".join(f"{k}={v}\n" for k, v in self.identity.items())

    def policy(self, name, level=None):
        """A policy definition; level: what the other side's membership must say."""
        self.terms(name, {"leftOperand": "MembershipCredential.level", "operator": "eq", "rightOperand": level} if level else None)

    def plane(self):
        self.call("/dataplanes", {"@context": edc.VOCAB, "@type": "DataPlaneInstance", "@id": "plane",
                                  "url": self.beside.url + "/dps/v1/dataflows", "allowedSourceTypes": ["HttpData"],
                                  "allowedTransferTypes": ["HttpData-PULL"]}, base=self.control)

    def sell(self, asset, policy, base_url):
        """Everybody who gets in sees it; the contract is for whom the policy allows."""
        self.call("/assets", {"@context": edc.VOCAB, "@id": asset, "properties": {"name": asset, "contenttype": "text/csv"},
                              "dataAddress": {"type": "HttpData", "baseUrl": base_url}})
        self.call("/contractdefinitions", {
            "@context": edc.VOCAB, "@id": asset, "accessPolicyId": "open", "contractPolicyId": policy,
            "assetsSelector": [{"operandLeft": edc.EDC_NS + "id", "operator": "=", "operandRight": asset}]})
