// What only AWS knows: @REGION@, @ACCOUNT@, @EXECUTION_ROLE@, @TASK_ROLE@, @EFS:volume@.
#include "export/ecs/plan.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

constexpr std::array<std::string_view, 4> whole_words = {"REGION", "ACCOUNT", "EXECUTION_ROLE", "TASK_ROLE"};

bool is_word(std::string_view text) {
    return std::find(whole_words.begin(), whole_words.end(), text) != whole_words.end() || text.starts_with("EFS:");
}

} // namespace

std::string replaced(const std::string& text, const std::function<std::string(const std::string& word)>& by) {
    std::string out;
    for (std::size_t at = 0;;) {
        const std::size_t first = text.find('@', at);
        const std::size_t second = first == std::string::npos ? first : text.find('@', first + 1);
        if (second == std::string::npos) return out + text.substr(at);
        const std::string word = text.substr(first + 1, second - first - 1);
        out += text.substr(at, first - at);
        if (is_word(word)) {
            out += by(word);
            at = second + 1;
        } else {
            out += '@';
            at = first + 1;
        }
    }
}

bool has_words(const std::string& text) {
    bool any = false;
    replaced(text, [&](const std::string&) {
        any = true;
        return std::string();
    });
    return any;
}

Document replaced_in(const Document& document, const std::function<Document(const std::string& text)>& make) {
    if (document.is_string()) return make(document.get<std::string>());
    if (document.is_array()) {
        Document out = Document::array();
        for (const Document& item : document) out.push_back(replaced_in(item, make));
        return out;
    }
    if (!document.is_object()) return document;
    Document out = Document::object();
    for (const auto& [key, value] : document.items()) out[key] = replaced_in(value, make);
    return out;
}

} // namespace davit::exports::ecs
