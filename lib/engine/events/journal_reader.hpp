// All journals of the machine as one stream, while others write, rotate and begin them.
#pragma once

#include "base/fd.hpp"
#include "project/event_journal.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace davit {

class JournalReader {
public:
    // since: lines from then on, also of what there is already; absent: only what comes.
    JournalReader(const Roots& roots, std::optional<std::int64_t> since);
    ~JournalReader();

    // What was written since the last call, by time; with each line the journal's name.
    std::vector<std::pair<std::string, JournalLine>> take();
    // Until there may be more, the time is over or stop is requested.
    void wait(std::optional<std::chrono::nanoseconds> limit, std::stop_token stop);

private:
    struct File {
        UniqueFd fd;
        off_t offset = 0;
    };
    using Lines = std::vector<std::pair<std::string, JournalLine>>;

    void look(const std::string& file, const std::string& journal, Lines& out);
    void read(File& file, const std::string& journal, Lines& out) const;
    bool watch();

    std::string directory_;
    std::optional<std::int64_t> since_;
    bool first_ = true;
    std::map<std::string, File> files_;
    UniqueFd inotify_;
    bool watched_ = false, tried_ = false;
};

} // namespace davit
