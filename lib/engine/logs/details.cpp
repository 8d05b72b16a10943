#include "davit/logs.hpp"

#include "engine/roots.hpp"
#include "project/store.hpp"

#include <fmt/format.h>
#include <map>
#include <memory>
#include <regex.h>
#include <sstream>
#include <string_view>

namespace davit {

namespace {

// As Go's url.QueryEscape.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("-_.~").find(c) != std::string_view::npos;
        if (c == ' ') out += '+';
        else if (plain) out += c;
        else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

// Names in a list with commas, and those that fit an expression.
class WantedKeys {
public:
    WantedKeys(const std::map<std::string, std::string>& options, const std::string& key) {
        if (const auto list = options.find(key); list != options.end()) {
            std::istringstream words(list->second);
            for (std::string word; std::getline(words, word, ',');) names_ += "," + word + ",";
        }
        const auto text = options.find(key + "-regex");
        if (text == options.end()) return;
        expression_ = std::make_unique<regex_t>();
        if (::regcomp(expression_.get(), text->second.c_str(), REG_EXTENDED | REG_NOSUB) != 0) expression_.reset();
    }
    WantedKeys(const WantedKeys&) = delete;
    ~WantedKeys() {
        if (expression_) ::regfree(expression_.get());
    }
    bool has(const std::string& name) const {
        return names_.find("," + name + ",") != std::string::npos ||
               (expression_ && ::regexec(expression_.get(), name.c_str(), 0, nullptr, 0) == 0);
    }

private:
    std::string names_;
    std::unique_ptr<regex_t> expression_;
};

} // namespace

std::string log_details(Engine& engine, const ContainerInfo& container) {
    const auto record = RecordStore(roots_of(engine)).container(container.project, container.id);
    if (!record) return {};
    const WantedKeys labels(record->log.options, "labels"), variables(record->log.options, "env");
    std::map<std::string, std::string> found;
    for (const auto& [name, value] : record->labels)
        if (labels.has(name)) found[name] = value;
    for (const std::string& entry : record->environment) {
        const std::size_t equals = entry.find('=');
        if (equals != std::string::npos && variables.has(entry.substr(0, equals)))
            found[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    std::string out;
    for (const auto& [name, value] : found) out += (out.empty() ? "" : ",") + escaped(name) + "=" + escaped(value);
    return out;
}

} // namespace davit
