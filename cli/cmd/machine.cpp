#include "cli/cmd/machine.hpp"

#include "base/error.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/template.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

bool passes(const std::vector<std::string>& filters, const std::map<std::string, std::string>& fields,
            const Labels& labels) {
    for (const std::string& filter : filters) {
        const std::size_t equals = filter.find('=');
        if (equals == std::string::npos)
            throw error(Errc::usage, "invalid filter \"{}\"", filter).with_hint("KEY=VALUE");
        const std::string key = filter.substr(0, equals), value = filter.substr(equals + 1);
        if (key == "label") {
            const std::size_t inner = value.find('=');
            const auto label = labels.find(value.substr(0, inner));
            if (label == labels.end() || (inner != std::string::npos && label->second != value.substr(inner + 1)))
                return false;
            continue;
        }
        const auto field = fields.find(key);
        if (field == fields.end()) throw error(Errc::usage, "unknown filter {}", key);
        if (field->second.find(value) == std::string::npos) return false;
    }
    return true;
}

void print_inspected(const std::vector<std::string>& documents, const std::string& format) {
    auto array = nlohmann::ordered_json::array();
    for (const std::string& document : documents) array.push_back(nlohmann::ordered_json::parse(document));
    std::string out;
    if (format.empty()) {
        out = json_text(array, 4) + "\n";
    } else if (format == "json") {
        out = json_text(array) + "\n";
    } else {
        const Template shape(format);
        for (const auto& element : array) out += shape.execute(element, "\n\t") + "\n";
    }
    std::fputs(out.c_str(), stdout);
}

} // namespace davit::cli
