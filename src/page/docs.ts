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
 * Swagger UI follows all references of the description once. That is a third of its work before it shows an operation,
 * if it begins with the security schemes, as it does by itself. They have no references. So the first operation that a
 * reader opens makes it begin.
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
