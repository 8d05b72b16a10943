#include "build/times.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <fmt/format.h>

namespace davit::build {

std::optional<std::int64_t> source_date_epoch(const BuildRequest& request) {
    for (const auto& [name, value] : request.args) {
        if (name != "SOURCE_DATE_EPOCH" || !value || value->empty()) continue;
        std::int64_t out = 0;
        const auto [end, failed] = std::from_chars(value->data(), value->data() + value->size(), out);
        if (failed != std::errc() || end != value->data() + value->size())
            throw error(Errc::usage, "invalid SOURCE_DATE_EPOCH: {}", *value)
                .with_hint("it is a number of seconds since 1970");
        return out;
    }
    return std::nullopt;
}

std::string rfc3339(std::int64_t seconds, unsigned nanoseconds) {
    const std::time_t at = seconds;
    std::tm parts{};
    ::gmtime_r(&at, &parts);
    char text[40];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::string out = text;
    if (nanoseconds) {
        out += fmt::format(".{:09}", nanoseconds);
        while (out.back() == '0') out.pop_back();
    }
    return out + "Z";
}

std::string now_text(const BuildRequest& request) {
    if (const auto epoch = source_date_epoch(request)) return rfc3339(*epoch);
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t now = sys::realtime_ns();
    return rfc3339(now / second, static_cast<unsigned>(now % second));
}

void add_missing(std::vector<image::HistoryEntry>& history, const std::vector<std::string>& made_by,
                 const std::string& created) {
    const auto layers = std::count_if(history.begin(), history.end(), [](const auto& one) { return !one.empty_layer; });
    for (auto i = static_cast<std::size_t>(layers); i < made_by.size(); ++i) {
        image::HistoryEntry entry;
        entry.created = created;
        entry.created_by = made_by[i];
        entry.comment = "buildkit.exporter.image.v0";
        history.push_back(std::move(entry));
    }
}

void fill_times(std::vector<image::HistoryEntry>& history) {
    const auto none = [](const auto& entry) { return entry.created.empty(); };
    auto open = std::find_if(history.begin(), history.end(), none);
    if (open == history.end()) return;
    const auto layer = std::find_if_not(open, history.end(), none);
    std::string time = layer != history.end() ? layer->created : open != history.begin() ? (open - 1)->created : "";
    for (; open != history.end(); ++open) {
        if (none(*open)) open->created = time;
        else time = open->created;
    }
}

} // namespace davit::build
