/** `/docs`: the API's description to read and to try, by Swagger UI. It asks only this server. */
import SwaggerUi from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";

SwaggerUi({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "list",
  tryItOutEnabled: false,
  // Otherwise its validator at another host would be asked.
  validatorUrl: null,
  persistAuthorization: false,
});
