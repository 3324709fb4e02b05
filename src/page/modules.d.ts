/** What the bundler knows and the compiler does not. */
declare module "*.css";

declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  export default function SwaggerUi(options: Record<string, unknown>): unknown;
}
