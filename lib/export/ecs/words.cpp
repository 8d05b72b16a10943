// What only AWS knows, and what it is called where it runs.
#include "export/ecs/plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

constexpr char mark = '\x01';

constexpr Partition all_partitions[] = {
    {"cn-", "aws-cn", "amazonaws.com.cn"},       {"us-gov-", "aws-us-gov", "amazonaws.com"},
    {"eusc-", "aws-eusc", "amazonaws.eu"},       {"us-iso-", "aws-iso", "c2s.ic.gov"},
    {"us-isob-", "aws-iso-b", "sc2s.sgov.gov"},  {"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"},
    {"us-isof-", "aws-iso-f", "csp.hci.ic.gov"}, {"", "aws", "amazonaws.com"}};

} // namespace

std::string word(std::string_view name) { return mark + std::string(name) + mark; }

bool is_word(std::string_view text) {
    return text.size() > 2 && text.front() == mark && text.find(mark, 1) == text.size() - 1;
}

std::span<const Partition> partitions() { return all_partitions; }

const Partition& partition_of(std::string_view region) {
    return *std::find_if(std::begin(all_partitions), std::end(all_partitions),
                         [&](const Partition& p) { return region.starts_with(p.regions); });
}

std::string replaced(const std::string& text, const std::function<std::string(const std::string& word)>& by) {
    std::string out;
    for (std::size_t at = 0;;) {
        const std::size_t first = text.find(mark, at);
        const std::size_t second = first == std::string::npos ? first : text.find(mark, first + 1);
        if (second == std::string::npos) return out + text.substr(at);
        out += text.substr(at, first - at) + by(text.substr(first + 1, second - first - 1));
        at = second + 1;
    }
}

bool has_words(const std::string& text) { return text.find(mark) != std::string::npos; }

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
