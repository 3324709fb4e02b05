/** The API's description to read and to try, by Swagger UI. It asks only this server. */
import SwaggerUi from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./docs.css";

SwaggerUi({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  tryItOutEnabled: false,
  // Otherwise its validator at another host would be asked.
  validatorUrl: null,
  persistAuthorization: false,
  plugins: [resolveLate],
});

interface Spec {
  specActions: { updateResolvedSubtree: (path: readonly string[], value: unknown) => unknown };
  specSelectors: { specJson: () => { getIn: (path: readonly string[]) => unknown } };
}

/**
 * Swagger UI asks for the security schemes before it shows any operation, and then follows all references of the
 * description, which is a third of its work. The schemes have no references, so they are given to it as they are. The
 * references are followed when a reader opens the first operation.
 */
function resolveLate() {
  const requestResolvedSubtree =
    (resolve: (path: readonly string[]) => unknown, { specActions, specSelectors }: Spec) =>
    (path: readonly string[]) =>
      path.join(".") === "components.securitySchemes"
        ? specActions.updateResolvedSubtree(path, specSelectors.specJson().getIn(path))
        : resolve(path);
  return { statePlugins: { spec: { wrapActions: { requestResolvedSubtree } } } };
}
