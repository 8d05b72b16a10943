#include "registry/challenge.hpp"

#include <algorithm>
#include <utility>

namespace davit::registry {

namespace {

bool is_token(char c) { // RFC 9110 tchar
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string lower(std::string_view s) {
    std::string out(s);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    bool at_end() const { return rest_.empty(); }
    void skip(std::string_view set) {
        while (!rest_.empty() && set.find(rest_.front()) != std::string_view::npos) rest_.remove_prefix(1);
    }
    void drop() { rest_.remove_prefix(1); }
    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::string_view token() {
        std::size_t n = 0;
        while (n < rest_.size() && is_token(rest_[n])) ++n;
        auto out = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return out;
    }
    std::string value() {
        if (!take('"')) {
            // Some registries leave URLs unquoted: up to the next comma or space.
            auto end = rest_.find_first_of(", \t");
            std::string out(rest_.substr(0, end));
            rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
            return out;
        }
        std::string out;
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
            out += rest_.front();
            rest_.remove_prefix(1);
        }
        take('"');
        return out;
    }

private:
    std::string_view rest_;
};

} // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
    std::vector<Challenge> out;
    Scanner in(header);
    for (;;) {
        in.skip(" \t,");
        if (in.at_end()) return out;
        std::string name = lower(in.token());
        if (name.empty()) { // no token: skip what is there, a character at a time
            in.drop();
            continue;
        }
        in.skip(" \t");
        if (!in.take('=')) { // a scheme; its parameters follow
            out.push_back({name, {}});
            continue;
        }
        in.skip(" \t");
        std::string value = in.value();
        if (!out.empty()) out.back().parameters.insert_or_assign(name, std::move(value));
    }
}

namespace {

// "repository:host:5000/a:pull" → the resource before the last colon, the actions after it.
std::pair<std::string, std::string> split_scope(const std::string& scope) {
    const auto colon = scope.rfind(':');
    if (colon == std::string::npos) return {scope, ""};
    return {scope.substr(0, colon), scope.substr(colon + 1)};
}

void add_scope(std::vector<std::string>& scopes, const std::string& added) {
    const auto [resource, actions] = split_scope(added);
    for (std::string& scope : scopes) {
        const auto [known, has] = split_scope(scope);
        if (known != resource) continue;
        std::string all = has;
        for (std::size_t at = 0; at <= actions.size();) {
            const auto end = std::min(actions.find(',', at), actions.size());
            const std::string action = actions.substr(at, end - at);
            if (!action.empty() && ("," + all + ",").find("," + action + ",") == std::string::npos)
                all += (all.empty() ? "" : ",") + action;
            at = end + 1;
        }
        scope = known + ":" + all;
        return;
    }
    scopes.push_back(added);
}

} // namespace

void merge_scopes(std::vector<std::string>& scopes, std::string_view asked) {
    while (!asked.empty()) {
        const auto end = std::min(asked.find(' '), asked.size());
        if (end > 0) add_scope(scopes, std::string(asked.substr(0, end)));
        asked.remove_prefix(std::min(end + 1, asked.size()));
    }
}

} // namespace davit::registry
