import java.util.List;
import java.util.Map;

import org.eclipse.edc.connector.controlplane.catalog.spi.policy.CatalogPolicyContext;
import org.eclipse.edc.connector.controlplane.contract.spi.policy.ContractNegotiationPolicyContext;
import org.eclipse.edc.connector.controlplane.contract.spi.policy.TransferProcessPolicyContext;
import org.eclipse.edc.iam.verifiablecredentials.spi.model.VerifiableCredential;
import org.eclipse.edc.participant.spi.ParticipantAgentPolicyContext;
import org.eclipse.edc.policy.context.request.spi.RequestCatalogPolicyContext;
import org.eclipse.edc.policy.context.request.spi.RequestContractNegotiationPolicyContext;
import org.eclipse.edc.policy.context.request.spi.RequestPolicyContext;
import org.eclipse.edc.policy.context.request.spi.RequestTransferProcessPolicyContext;
import org.eclipse.edc.policy.context.request.spi.RequestVersionPolicyContext;
import org.eclipse.edc.policy.engine.spi.PolicyContext;
import org.eclipse.edc.policy.engine.spi.PolicyEngine;
import org.eclipse.edc.policy.engine.spi.RuleBindingRegistry;
import org.eclipse.edc.policy.model.Operator;
import org.eclipse.edc.policy.model.Permission;
import org.eclipse.edc.runtime.metamodel.annotation.Inject;
import org.eclipse.edc.spi.security.Vault;
import org.eclipse.edc.spi.system.ServiceExtension;
import org.eclipse.edc.spi.system.ServiceExtensionContext;

/**
 * What a data space writes for its EDC connectors, since 0.14 has no settings for it: the credential that every
 * request asks for, and what a constraint on its claims means. It adds to the connector and replaces nothing.
 */
public class Membership implements ServiceExtension {
    private static final String TYPE = "MembershipCredential";
    private static final String SCOPE = "org.eclipse.dspace.dcp.vc.type:" + TYPE + ":read";
    private static final String LEVEL = "https://w3id.org/edc/v0.0.1/ns/" + TYPE + ".level";

    @Inject
    private PolicyEngine policies;
    @Inject
    private RuleBindingRegistry rules;
    @Inject
    private Vault vault;

    @Override
    public void initialize(ServiceExtensionContext context) {
        vault.storeSecret("sts", context.getConfig().getString("kanhe.sts.secret"));
        asks(RequestCatalogPolicyContext.class);
        asks(RequestContractNegotiationPolicyContext.class);
        asks(RequestTransferProcessPolicyContext.class);
        asks(RequestVersionPolicyContext.class);
        rules.bind("use", PolicyEngine.ALL_SCOPES);
        rules.bind("http://www.w3.org/ns/odrl/2/use", PolicyEngine.ALL_SCOPES);
        judges(CatalogPolicyContext.class, "catalog");
        judges(ContractNegotiationPolicyContext.class, "contract.negotiation");
        judges(TransferProcessPolicyContext.class, "transfer.process");
    }

    private <C extends RequestPolicyContext> void asks(Class<C> kind) {
        policies.registerPostValidator(kind, (policy, context) -> {
            context.requestScopeBuilder().scope(SCOPE);
            return true;
        });
    }

    private <C extends ParticipantAgentPolicyContext & PolicyContext> void judges(Class<C> kind, String scope) {
        rules.bind(LEVEL, scope);
        policies.registerFunction(kind, Permission.class, LEVEL, (operator, value, rule, context) ->
                operator == Operator.EQ && context.participantAgent().getClaims().get("vc") instanceof List<?> held
                        && held.stream().anyMatch(vc -> vc instanceof VerifiableCredential c && says(c, value)));
    }

    private static boolean says(VerifiableCredential c, Object value) {
        return c.getType().contains(TYPE) && c.getCredentialSubject().stream().map(s -> s.getClaims())
                .flatMap(claims -> ((Map<String, Object>) claims).entrySet().stream())
                .anyMatch(e -> (e.getKey().equals("level") || e.getKey().endsWith("/level") || e.getKey().endsWith("#level"))
                        && String.valueOf(e.getValue()).equals(String.valueOf(value)));
    }
}
