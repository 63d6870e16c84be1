package dev.comity.federation.web;

import static org.springframework.http.HttpMethod.DELETE;
import static org.springframework.http.HttpMethod.GET;
import static org.springframework.http.HttpMethod.POST;
import static org.springframework.http.HttpMethod.PUT;

import dev.comity.federation.AccountStore;
import java.time.Clock;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.access.hierarchicalroles.RoleHierarchy;
import org.springframework.security.access.hierarchicalroles.RoleHierarchyImpl;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.crypto.argon2.Argon2PasswordEncoder;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.UsernamePasswordAuthenticationFilter;
import org.springframework.security.web.context.HttpSessionSecurityContextRepository;
import org.springframework.security.web.context.SecurityContextRepository;
import org.springframework.security.web.header.writers.ReferrerPolicyHeaderWriter.ReferrerPolicy;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.web.servlet.HandlerExceptionResolver;

/// Who may call what. A browser carries a session cookie and proves each change with the CSRF
/// token; a program carries a bearer token, which no other site can make a browser send.
@Configuration(proxyBeanMethods = false)
class SecurityConfiguration {
  private static final String API = "/api/v1";

  /// Nothing from elsewhere, nothing inline.
  private static final String CONTENT_POLICY =
      "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
          + " object-src 'none'";

  @Bean
  static RoleHierarchy roleHierarchy() {
    return RoleHierarchyImpl.withDefaultRolePrefix()
        .role("ADMIN")
        .implies("RESEARCHER")
        .role("RESEARCHER")
        .implies("VIEWER")
        .build();
  }

  @Bean
  PasswordEncoder passwordEncoder() {
    return Argon2PasswordEncoder.defaultsForSpringSecurity_v5_8();
  }

  @Bean
  SecurityContextRepository securityContextRepository() {
    return new HttpSessionSecurityContextRepository();
  }

  @Bean
  SecurityFilterChain security(
      HttpSecurity http,
      AccountStore accounts,
      Clock clock,
      SecurityContextRepository contexts,
      @Qualifier("handlerExceptionResolver") HandlerExceptionResolver problems)
      throws Exception {
    return http.addFilterBefore(
            new BearerTokenFilter(accounts, clock, problems),
            UsernamePasswordAuthenticationFilter.class)
        .securityContext(context -> context.securityContextRepository(contexts))
        .csrf(csrf ->
            csrf.spa()
                // Neither carries a cookie's authority: a token signs the first, and a JSON
                // body with the password, which no foreign form can send, the second.
                .ignoringRequestMatchers(
                    PathPatternRequestMatcher.pathPattern(POST, API + "/enrolments"),
                    PathPatternRequestMatcher.pathPattern(POST, API + "/session"))
                .ignoringRequestMatchers(BearerTokenFilter::carriesToken))
        .requestCache(cache -> cache.disable())
        .logout(logout -> logout.disable())
        .exceptionHandling(handling ->
            handling
                .authenticationEntryPoint((request, response, refusal) ->
                    problems.resolveException(request, response, null, refusal))
                .accessDeniedHandler((request, response, refusal) ->
                    problems.resolveException(request, response, null, refusal)))
        .headers(headers ->
            headers
                // It would bind every port of the host; there is no plain port to protect.
                .httpStrictTransportSecurity(transport -> transport.disable())
                .contentSecurityPolicy(policy -> policy.policyDirectives(CONTENT_POLICY))
                .referrerPolicy(referrer -> referrer.policy(ReferrerPolicy.NO_REFERRER)))
        .authorizeHttpRequests(requests ->
            requests
                .requestMatchers(GET, API + "/federation", API + "/membership")
                .permitAll()
                .requestMatchers(POST, API + "/enrolments", API + "/session")
                .permitAll()
                .requestMatchers(API + "/enrolments/**", API + "/tokens/**")
                .hasRole("ADMIN")
                .requestMatchers(PUT, API + "/membership")
                .hasRole("ADMIN")
                .requestMatchers(POST, API + "/federation/next-key", API + "/sites/*/reinstatement")
                .hasRole("ADMIN")
                .requestMatchers(DELETE, API + "/session")
                .authenticated()
                .requestMatchers(POST, API + "/runs/**")
                .hasRole("RESEARCHER")
                .requestMatchers("/api/**")
                .hasRole("VIEWER")
                .anyRequest()
                .permitAll()) // the dashboard's files, the API's description, health
        .build();
  }
}
