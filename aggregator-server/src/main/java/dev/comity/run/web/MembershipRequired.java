package dev.comity.run.web;

import dev.comity.federation.Memberships;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/// Before the first membership epoch nothing about runs is served.
@Configuration(proxyBeanMethods = false)
class MembershipRequired implements WebMvcConfigurer, HandlerInterceptor {
  private final Memberships memberships;

  MembershipRequired(Memberships memberships) {
    this.memberships = memberships;
  }

  @Override
  public void addInterceptors(InterceptorRegistry registry) {
    registry
        .addInterceptor(this)
        .addPathPatterns(
            "/api/v1/runs/**", "/api/v1/sessions/**", "/api/v1/models/**", "/api/v1/events/**");
  }

  @Override
  public boolean preHandle(
      HttpServletRequest request, HttpServletResponse response, Object handler) {
    if (memberships.current().isEmpty()) {
      throw new NoMembership();
    }
    return true;
  }
}
