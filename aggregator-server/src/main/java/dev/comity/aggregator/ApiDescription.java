package dev.comity.aggregator;

import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.info.License;
import io.swagger.v3.oas.models.media.ArraySchema;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.IntegerSchema;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.ObjectSchema;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// What `/v3/api-docs` says beyond the controllers: how to sign in, and that every error is a
/// problem (RFC 9457).
@Configuration(proxyBeanMethods = false)
class ApiDescription {
  private static final String TOKEN = "token";
  private static final String COOKIE = "session";
  private static final String PROBLEM = "Problem";

  @Bean
  OpenAPI api() {
    return new OpenAPI()
        .info(
            new Info()
                .title("Comity aggregator")
                .version("v1")
                .description("Federated runs across sovereign sites.")
                .license(new License().name("Apache-2.0")))
        .components(
            new Components()
                .addSecuritySchemes(
                    TOKEN, new SecurityScheme().type(SecurityScheme.Type.HTTP).scheme("bearer"))
                .addSecuritySchemes(
                    COOKIE,
                    new SecurityScheme()
                        .type(SecurityScheme.Type.APIKEY)
                        .in(SecurityScheme.In.COOKIE)
                        .name("__Host-comity"))
                .addSchemas(PROBLEM, problem()))
        .addSecurityItem(new SecurityRequirement().addList(TOKEN))
        .addSecurityItem(new SecurityRequirement().addList(COOKIE));
  }

  private static Schema<?> problem() {
    return new ObjectSchema()
        .description("RFC 9457")
        .addProperty("type", new StringSchema())
        .addProperty("title", new StringSchema())
        .addProperty("status", new IntegerSchema())
        .addProperty("detail", new StringSchema())
        .addProperty("instance", new StringSchema())
        .addProperty("code", new StringSchema().description("stable name of the refusal"))
        .addProperty("traceId", new StringSchema())
        .addProperty(
            "errors",
            new ArraySchema()
                .description("every fault of the body")
                .items(
                    new ObjectSchema()
                        .addProperty("pointer", new StringSchema())
                        .addProperty("detail", new StringSchema())));
  }

  @Bean
  OpenApiCustomizer problems() {
    var content =
        new Content()
            .addMediaType(
                "application/problem+json",
                new MediaType().schema(new Schema<>().$ref("#/components/schemas/" + PROBLEM)));
    return api ->
        api.getPaths().values().stream()
            .flatMap(path -> path.readOperations().stream())
            .map(Operation::getResponses)
            .forEach(responses -> describe(responses, content));
  }

  private static void describe(ApiResponses responses, Content problem) {
    responses.forEach((code, response) -> {
      if (code.startsWith("4")) {
        response.setContent(problem);
      }
    });
    responses.addApiResponse(
        "default", new ApiResponse().description("any other refusal").content(problem));
  }
}
