#include "davit/container_list.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "compose/short_forms.hpp"
#include "davit/containers.hpp"
#include "davit/images.hpp"
#include "davit/labels.hpp"
#include "engine/disk_survey.hpp"
#include "engine/roots.hpp"
#include "project/paths.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/ranges.h>
#include <map>
#include <memory>
#include <regex.h>
#include <set>
#include <string_view>

namespace davit {

namespace {

using Values = std::vector<std::string>;

constexpr std::array known_filters{"ancestor", "before",  "exited",    "expose", "health",
                                   "id",       "is-task", "isolation", "label",  "name",
                                   "network",  "publish", "since",     "status", "volume"};
constexpr std::array states{"created", "running", "paused", "restarting", "removing", "exited", "dead"};
constexpr std::array healths{"none", "starting", "healthy", "unhealthy"};

template <std::size_t N>
void check_words(const Values& values, const std::array<const char*, N>& words, const char* filter, const char* what) {
    for (const std::string& value : values)
        if (std::find(words.begin(), words.end(), std::string_view(value)) == words.end())
            throw error(Errc::invalid_project, "invalid filter '{}={}': invalid value for {} ({}): must be one of {}",
                        filter, value, what, value, fmt::format("{}", fmt::join(words, ", ")));
}

// A regular expression that may match anywhere; one that is none matches nothing.
class Pattern {
public:
    explicit Pattern(const std::string& text) {
        plain_ = text.find_first_of("^$.*+?()[]{}|\\") == std::string::npos;
        if (plain_) text_ = text;
        else if (auto compiled = std::make_unique<regex_t>();
                 ::regcomp(compiled.get(), text.c_str(), REG_EXTENDED | REG_NOSUB) == 0)
            compiled_ = {compiled.release(), free_it};
    }
    bool matches(const std::string& text) const {
        if (plain_) return text.find(text_) != std::string::npos;
        return compiled_ && ::regexec(compiled_.get(), text.c_str(), 0, nullptr, 0) == 0;
    }

private:
    static void free_it(regex_t* compiled) {
        ::regfree(compiled);
        delete compiled;
    }
    bool plain_ = false;
    std::string text_;
    std::shared_ptr<regex_t> compiled_;
};

bool has_label(const Labels& labels, const std::string& wanted) {
    const std::size_t equals = wanted.find('=');
    const auto found = labels.find(wanted.substr(0, equals));
    return found != labels.end() && (equals == std::string::npos || found->second == wanted.substr(equals + 1));
}

std::string protocol_of(const std::string& port) {
    const std::size_t slash = port.find('/');
    return slash == std::string::npos ? "tcp" : port.substr(slash + 1);
}

struct PortFilter {
    std::int64_t first = 0, last = 0;
    std::string protocol;
};

// "80", "80/udp", "8000-8010", the value of that filter.
PortFilter port_filter(const char* filter, const std::string& text) {
    const std::string numbers = text.substr(0, text.find('/'));
    const std::size_t dash = numbers.find('-');
    const auto one = [&](const std::string& number, const char* end) {
        const auto parsed = parse_int(number);
        if (!parsed)
            throw error(Errc::invalid_project, "error while looking up for {} {}: invalid {} port '{}': invalid syntax",
                        filter, text, end, number);
        if (*parsed < 0 || *parsed > 65535)
            throw error(Errc::invalid_project,
                        "error while looking up for {} {}: invalid {} port '{}': value out of range", filter, text, end,
                        number);
        return *parsed;
    };
    const std::int64_t first = one(numbers.substr(0, dash), "start");
    return {first, dash == std::string::npos ? first : one(numbers.substr(dash + 1), "end"), protocol_of(text)};
}

// Whether one of the ports is among them.
bool any_port(const char* filter, const Values& wanted, const std::vector<std::pair<unsigned, std::string>>& ports) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& text) {
        const PortFilter range = port_filter(filter, text);
        return std::any_of(ports.begin(), ports.end(), [&](const auto& port) {
            return port.second == range.protocol && port.first >= range.first && port.first <= range.last;
        });
    });
}

class Filter {
public:
    Filter(Engine& engine, const std::vector<std::string>& filters) : engine_(engine) {
        for (const std::string& filter : filters) {
            const std::size_t equals = filter.find('=');
            const std::string key = filter.substr(0, equals);
            if (equals == std::string::npos)
                throw error(
                    Errc::usage,
                    "invalid argument \"{}\" for \"-f, --filter\" flag: bad format of filter (expected name=value)",
                    filter);
            if (std::find(known_filters.begin(), known_filters.end(), std::string_view(key)) == known_filters.end())
                throw error(Errc::invalid_project, "invalid filter{}", key.empty() ? "" : " '" + key + "'")
                    .with_hint(fmt::format("known: {}", fmt::join(known_filters, ", ")));
            values_[key].push_back(filter.substr(equals + 1));
        }
        check();
        for (const std::string& text : of("name")) names_.emplace_back(text);
        for (const std::string& text : of("id")) ids_.emplace_back(text.empty() ? "^$" : text); // nobody's
        for (const std::string& text : of("before")) before_ = std::min(before_, find_container(engine_, text).created);
        for (const std::string& text : of("since")) since_ = std::max(since_, find_container(engine_, text).created);
        for (const std::string& text : of("ancestor")) add_ancestor(text);
        for (const std::string& text : of("network")) add_network(text);
    }

    bool has_status() const { return !of("status").empty(); }

    bool passes(const ContainerInfo& c) const {
        return words_pass(c) && c.created < before_ && c.created > since_ && places_pass(c) && ports_pass(c);
    }

private:
    const Values& of(const std::string& key) const {
        static const Values none;
        const auto found = values_.find(key);
        return found == values_.end() ? none : found->second;
    }

    void check() const {
        check_words(of("status"), states, "status", "state");
        check_words(of("health"), healths, "health", "health");
        for (const char* ports : {"publish", "expose"})
            for (const std::string& text : of(ports)) port_filter(ports, text);
        for (const std::string& text : of("is-task"))
            if (text != "true" && text != "false" && text != "1" && text != "0")
                throw error(Errc::invalid_project, "invalid filter 'is-task=[{}]'", text);
        for (const std::string& code : of("exited"))
            if (!parse_int(code))
                throw error(Errc::invalid_project,
                            "invalid filter 'exited={0}': strconv.Atoi: parsing \"{0}\": invalid syntax", code);
    }

    void add_ancestor(const std::string& reference) {
        ancestors_.push_back(reference);
        const auto image = find_image(engine_, reference);
        if (!image) return;
        std::vector<std::string> below;
        for (const auto& layer : image->layers) below.push_back(layer.diff_id);
        for (const image::Image& other : list_images(engine_)) {
            if (other.layers.size() < below.size()) continue;
            bool child = true;
            for (std::size_t i = 0; i < below.size() && child; ++i) child = other.layers[i].diff_id == below[i];
            if (child) ancestor_ids_.insert(other.id);
        }
        ancestor_ids_.insert(image->id);
    }

    void add_network(const std::string& text) {
        networks_.insert(text);
        for (const NetworkInfo& network : engine_.networks())
            if (network.id.starts_with(text)) networks_.insert(network.name);
    }

    bool words_pass(const ContainerInfo& c) const {
        const auto any = [](const auto& patterns, const std::string& text) {
            return patterns.empty() ||
                   std::any_of(patterns.begin(), patterns.end(), [&](const Pattern& p) { return p.matches(text); });
        };
        if (!any(names_, c.name) && !any(names_, "/" + c.name)) return false;
        if (!any(ids_, c.id)) return false;
        for (const std::string& label : of("label"))
            if (!has_label(c.labels, label)) return false;
        const auto among = [&](const char* key, const std::string& value) {
            const Values& wanted = of(key);
            return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
        };
        const Health health = c.state == ContainerState::created ? Health::none : c.health;
        const char* checked = health == Health::none ? "none" : to_string(health);
        return among("status", to_string(c.state)) && among("health", checked) && exit_passes(c) &&
               among("is-task", c.labels.contains(label::swarm_task) ? "true" : "false"); // isolation is Windows'
    }

    bool exit_passes(const ContainerInfo& c) const {
        const Values& codes = of("exited");
        if (codes.empty()) return true;
        if (c.pid != 0 || c.started_at == 0) return false;
        return std::any_of(codes.begin(), codes.end(),
                           [&](const std::string& code) { return parse_int(code) == c.exit_code; });
    }

    bool places_pass(const ContainerInfo& c) const {
        if (!ancestors_.empty() && !ancestor_ids_.contains(c.image_id) &&
            std::find(ancestors_.begin(), ancestors_.end(), c.image) == ancestors_.end())
            return false;
        const auto on = [&](const AttachedNetwork& n) { return networks_.contains(n.name); };
        if (!networks_.empty() && !networks_.contains(c.network_mode) &&
            std::none_of(c.networks.begin(), c.networks.end(), on))
            return false;
        const Values& volumes = of("volume");
        const auto mounted = [&](const AttachedMount& m) {
            return std::any_of(volumes.begin(), volumes.end(),
                               [&](const std::string& v) { return v == m.name || v == m.target || v == m.source; });
        };
        return volumes.empty() || std::any_of(c.mounts.begin(), c.mounts.end(), mounted);
    }

    bool ports_pass(const ContainerInfo& c) const {
        std::vector<std::pair<unsigned, std::string>> published, exposed;
        for (const PublishedPort& p : c.ports) published.emplace_back(unsigned{p.host_port}, p.protocol);
        for (const std::string& text : c.expose)
            exposed.emplace_back(static_cast<unsigned>(parse_int(text.substr(0, text.find('/'))).value_or(0)),
                                 protocol_of(text));
        return (of("publish").empty() || any_port("publish", of("publish"), published)) &&
               (of("expose").empty() || any_port("expose", of("expose"), exposed));
    }

    Engine& engine_;
    std::map<std::string, Values> values_;
    std::vector<Pattern> names_, ids_;
    std::int64_t before_ = INT64_MAX, since_ = INT64_MIN;
    Values ancestors_;
    std::set<std::string> ancestor_ids_, networks_;
};

} // namespace

std::vector<ContainerInfo> list_containers(Engine& engine, const ListContainersOptions& options) {
    const Filter filter(engine, options.filters);
    const bool all = options.all || options.last > 0 || filter.has_status();
    std::vector<ContainerInfo> out = engine.all_containers();
    std::erase_if(out, [&](const ContainerInfo& c) {
        const bool live = c.state == ContainerState::running || c.state == ContainerState::paused ||
                          c.state == ContainerState::restarting;
        return (!live && !all) || !filter.passes(c);
    });
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.created > b.created; });
    if (options.last > 0 && out.size() > static_cast<std::size_t>(options.last))
        out.resize(static_cast<std::size_t>(options.last));
    return out;
}

std::function<bool(const ContainerInfo&)> prune_filter(const std::vector<std::string>& filters,
                                                       const std::function<std::int64_t(const std::string&)>& time) {
    Values labels, without;
    std::int64_t until = INT64_MAX;
    for (const std::string& filter : filters) {
        const std::size_t equals = filter.find('=');
        const std::string key = filter.substr(0, equals);
        const std::string value = equals == std::string::npos ? "" : filter.substr(equals + 1);
        if (key == "label") labels.push_back(value);
        else if (key == "label!") without.push_back(value);
        else if (key == "until") until = std::min(until, time(value));
        else throw error(Errc::invalid_project, "invalid filter '{}'", key).with_hint("known: label, label!, until");
    }
    return [labels, without, until](const ContainerInfo& c) {
        const auto has = [&](const std::string& label) { return has_label(c.labels, label); };
        return std::all_of(labels.begin(), labels.end(), has) && std::none_of(without.begin(), without.end(), has) &&
               c.created < until;
    };
}

ContainerSizes container_sizes(Engine& engine, const ContainerInfo& container) {
    ContainerSizes out;
    const std::string directory = ProjectPaths(roots_of(engine), container.project).container(container.id) + "/upper";
    constexpr std::uint64_t itself = 4096; // the layer's own directory
    out.written = itself + DiskSurvey().bytes(directory);
    const auto image = find_image(engine, container.image_id);
    out.whole = out.written + (image ? image->size : 0);
    return out;
}

} // namespace davit
