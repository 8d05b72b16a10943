#include "base/error.hpp"
#include "base/json_read.hpp"
#include "base/text_code.hpp"
#include "registry/challenge.hpp"
#include "registry/client.hpp"

#include <algorithm>

namespace davit::registry {

namespace {

constexpr std::size_t max_token_answer = 1u << 20;

bool is_header_text(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::string basic(const Credentials& c) { return "Basic " + base64_encode(c.username + ":" + c.password); }

} // namespace

std::string RegistryClient::authorization() const {
    std::lock_guard lock(mutex_);
    return authorization_;
}

std::string RegistryClient::authenticate(const HttpResponse& response, const std::string& used) {
    std::lock_guard one_at_a_time(authentication_mutex_);
    if (std::string now = authorization(); now != used) return now; // another thread was here meanwhile
    std::string challenges;
    auto [begin, end] = response.headers.equal_range("www-authenticate");
    for (auto it = begin; it != end; ++it) challenges += it->second + ", ";
    std::optional<Credentials> credentials =
        options_.credentials ? options_.credentials(endpoint_.domain, repository_, options_.stop) : std::nullopt;
    had_credentials_ = credentials.has_value();
    std::string fresh;
    for (const auto& challenge : parse_challenges(challenges)) {
        if (challenge.scheme == "bearer") {
            fresh = "Bearer " + bearer_token(challenge.parameters, credentials);
            break;
        }
        if (challenge.scheme == "basic" && credentials && !credentials->username.empty()) fresh = basic(*credentials);
    }
    if (fresh.empty() || fresh == used) return ""; // the same again would be refused again
    std::lock_guard lock(mutex_);
    return authorization_ = fresh;
}

// What is asked for now and was before: a token with less would be refused at the next step.
std::vector<std::string> RegistryClient::token_scopes(const std::string& asked) {
    std::lock_guard lock(mutex_);
    merge_scopes(scopes_, asked);
    if (scopes_.empty() && !repository_.empty()) return {"repository:" + repository_ + ":pull"};
    return scopes_;
}

// docs/spec/auth/{token,oauth}.md of the distribution project
std::string RegistryClient::bearer_token(const std::map<std::string, std::string>& challenge,
                                         const std::optional<Credentials>& credentials) {
    auto parameter = [&](const char* name) {
        auto it = challenge.find(name);
        return it == challenge.end() ? std::string() : it->second;
    };
    const std::vector<std::string> scopes = token_scopes(parameter("scope"));
    auto realm = resolve_url(endpoint_.base, parameter("realm"));
    if (!realm)
        throw error(Errc::denied, "the registry {} names no usable token server ('{}')", endpoint_.domain,
                    parameter("realm"));
    if (credentials && realm->scheme == "http" && !is_loopback(realm->host) && endpoint_.base.scheme == "https")
        throw error(Errc::denied, "the registry {} asks to send the password to {} in clear text", endpoint_.domain,
                    realm->host);
    HttpRequest request;
    request.tls = tls_for(realm->host);
    request.stall_seconds = static_cast<int>(options_.stall_timeout.count());
    std::string query = "service=" + percent_encode(parameter("service"));
    if (credentials && !credentials->identity_token.empty()) {
        request.method = "POST";
        request.url = realm->text();
        request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
        std::string listed;
        for (const auto& scope : scopes) listed += (listed.empty() ? "" : " ") + scope;
        if (!listed.empty()) query += "&scope=" + percent_encode(listed);
        request.body = query + "&client_id=davit&grant_type=refresh_token&refresh_token=" +
                       percent_encode(credentials->identity_token);
    } else {
        for (const auto& scope : scopes) query += "&scope=" + percent_encode(scope);
        request.url = realm->text() + (realm->path.find('?') == std::string::npos ? "?" : "&") + query;
        if (credentials) {
            request.url += "&account=" + percent_encode(credentials->username);
            request.headers.emplace_back("Authorization", basic(*credentials));
        }
    }
    for (int attempt = 0;; ++attempt) {
        Exchange exchange = borrow();
        exchange.session().start(request, options_.stop);
        const HttpResponse& r = exchange.response();
        if (r.failure == HttpFailure::cancelled) throw error(Errc::interrupted, "cancelled");
        std::string body = r.status ? exchange.body(max_token_answer) : "";
        if (r.status == 200) {
            Json json = parse_untrusted(body);
            std::string token = json.is_object() ? text_of(json, "token") : "";
            if (token.empty() && json.is_object()) token = text_of(json, "access_token");
            if (token.empty() || !is_header_text(token))
                throw error(Errc::denied, "the token server {} answered without a token", realm->host);
            return token;
        }
        if (r.status == 401 || r.status == 403) {
            if (credentials)
                throw refused_credentials(endpoint_.domain, credentials->username, registry_message(r, body), purpose_);
            throw needs_login(endpoint_.domain, endpoint_.domain + "/" + repository_, "", purpose_);
        }
        const bool again = r.status == 0 || r.status >= 500 || r.status == 429;
        if (!again || attempt + 1 >= std::min(options_.max_attempts, 3))
            throw error(Errc::unavailable, "the token server {} of {} does not answer: {}", realm->host,
                        endpoint_.domain, r.status ? registry_message(r, body) : r.failure_text);
        back_off(attempt, 0, options_.stop);
    }
}

} // namespace davit::registry
