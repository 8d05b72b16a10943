#include "registry/tags.hpp"

#include "base/json_read.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

namespace davit::registry {

namespace {

constexpr std::size_t most_tags = 100'000, longest_page = 8u << 20;

// `<URL>; rel="next"` of a Link header (RFC 8288); empty: the last page.
std::string next_page(std::string_view link) {
    const std::size_t open = link.find('<'), close = link.find('>');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) return "";
    const std::string_view parameters = link.substr(close + 1);
    if (parameters.find("rel=\"next\"") == std::string_view::npos &&
        parameters.find("rel=next") == std::string_view::npos)
        return "";
    return std::string(link.substr(open + 1, close - open - 1));
}

} // namespace

std::vector<std::string> repository_tags(RegistryClient& client, const std::stop_token& stop) {
    std::vector<std::string> out;
    std::set<std::string> seen;
    RegistryClient::Request request{.path = "tags/list"};
    for (;;) {
        auto exchange = client.send(request, stop);
        const nlohmann::json page = parse_untrusted(exchange.body(longest_page));
        const bool listed = page.is_object() && page.contains("tags") && page["tags"].is_array();
        const std::size_t before = out.size();
        if (listed)
            for (const auto& tag : page["tags"])
                if (tag.is_string() && seen.insert(tag.get<std::string>()).second)
                    out.push_back(tag.get<std::string>());
        if (out.size() > most_tags)
            throw error(Errc::failed, "the registry {} lists more than {} tags of {}", client.endpoint().domain,
                        most_tags, client.repository());
        const std::string link = next_page(exchange.response().header("link"));
        // A page with nothing new would be followed by the same for ever.
        if (link.empty() || out.size() == before) return out;
        const auto next = resolve_url(exchange.url(), link);
        if (!next) return out;
        request.at = *next;
    }
}

} // namespace davit::registry
