%% SPDX-License-Identifier: MIT
%% erl -noshell +S THREADS:THREADS +P 4000000 -pa DIR -run bench main CASE [N]
%% The workloads on Erlang/OTP; prints lines `name value unit`.
-module(bench).
-export([main/1]).

main([Case | Rest]) ->
    N = case Rest of
        [X] -> list_to_integer(X);
        [] -> default(Case)
    end,
    case N of
        unknown ->
            io:format(standard_error, "bench.erl: no case ~s~n", [Case]),
            halt(2);
        _ ->
            run(Case, N),
            halt(0, [{flush, true}])
    end.

default("pingpong") -> 1000000;
default("pingpong_cross") -> 100000;
default("ring") -> 1000000;
default("count") -> 2500000;
default("count_cross") -> 2500000;
default("runaway") -> 10000000;
default("fanin") -> 2500000;
default("ask") -> 500000;
default("ask_cross") -> 100000;
default("ask_limit") -> 250000;
default("spawn") -> 250000;
default("skynet") -> 1000000;
default("idle") -> 1000000;
default(_) -> unknown.

run("pingpong", N) -> report("pingpong", N, pingpong(N, 0, 0));
run("pingpong_cross", N) -> report("pingpong_cross", N, pingpong(N, 1, 2));
run("ring", N) -> report("ring", N, ring(N));
run("count", N) -> report("count", N, count(N));
run("count_cross", N) -> report("count_cross", N, count(N));
run("fanin", N) -> report("fanin", N, fanin(N));
run("ask", N) -> report("ask", N, ask(N, 0, 0));
run("ask_cross", N) -> report("ask_cross", N, ask(N, 1, 2));
run("ask_limit", N) -> report("ask_limit", N, ask_limit(N));
run("spawn", N) -> report("spawn", N, spawn_exit(N));
run("skynet", N) ->
    Before = status_kb(<<"VmRSS">>),
    report("skynet", sky_nodes(N), skynet(N)),
    report_growth("skynet", Before);
run("runaway", N) ->
    Before = status_kb(<<"VmRSS">>),
    report("runaway", N, count(N)),
    report_growth("runaway", Before);
run("idle", N) ->
    Before = status_kb(<<"VmRSS">>),
    idle_batches(N, self()),
    Grown = status_kb(<<"VmRSS">>) - Before,
    io:format("idle ~.1f bytes~n", [Grown * 1024 / N]).

report(Case, Ops, Ns) -> io:format("~s ~.2f ns~n", [Case, Ns / Ops]).

report_growth(Case, Before) ->
    Grown = max(0, status_kb(<<"VmHWM">>) - Before) / 1024,
    io:format("~s_rss ~.1f MiB~n", [Case, Grown]).

now_ns() -> erlang:monotonic_time(nanosecond).

status_kb(Key) ->
    {ok, Text} = file:read_file("/proc/self/status"),
    Lines = binary:split(Text, <<"\n">>, [global]),
    [Line | _] = [L || L <- Lines, binary:match(L, Key) =/= nomatch],
    {match, [Digits]} = re:run(Line, "[0-9]+", [{capture, first, list}]),
    list_to_integer(Digits).

%% A process on a given scheduler, or (0) wherever the runtime puts it.
spawn_on(F, 0) -> spawn(F);
spawn_on(F, Scheduler) -> spawn_opt(F, [{scheduler, Scheduler}]).

timed(Start) ->
    T = now_ns(),
    Start(),
    receive {done, End} -> End - T end.

%% Ping-pong and ring: v > 0 goes on with v - 1.
peer(Other, Root) ->
    receive
        0 -> Root ! {done, now_ns()}, Other ! bye, ok;
        bye -> ok;
        V -> Other ! (V - 1), peer(Other, Root)
    end.

waiting_peer(Root) -> fun() -> receive {other, Other} -> peer(Other, Root) end end.

pingpong(N, SchedulerA, SchedulerB) ->
    A = spawn_on(waiting_peer(self()), SchedulerA),
    B = spawn_on(waiting_peer(self()), SchedulerB),
    A ! {other, B},
    B ! {other, A},
    timed(fun() -> A ! N end).

ring(N) ->
    Root = self(),
    [First | Rest] = All = [spawn(waiting_peer(Root)) || _ <- lists:seq(1, 1000)],
    lists:foreach(fun({A, B}) -> A ! {other, B} end, lists:zip(All, Rest ++ [First])),
    timed(fun() -> First ! N end).

%% Count and fan-in: 1,000 messages a turn, then a message to itself.
counter(0, Root) -> Root ! {done, now_ns()};
counter(N, Root) -> receive _ -> counter(N - 1, Root) end.

producer(_, N, N) -> ok;
producer(To, I, N) ->
    End = min(I + 1000, N),
    burst(To, I, End),
    self() ! go,
    receive go -> producer(To, End, N) end.

burst(_, End, End) -> ok;
burst(To, I, End) -> To ! I, burst(To, I + 1, End).

waiting_producer(To, N) -> fun() -> receive go -> producer(To, 0, N) end end.

count(N) ->
    Root = self(),
    C = spawn(fun() -> counter(N, Root) end),
    P = spawn(waiting_producer(C, N)),
    timed(fun() -> P ! go end).

fanin(N) ->
    Root = self(),
    C = spawn_opt(fun() -> counter(N, Root) end, [{message_queue_data, off_heap}]),
    All = [spawn(waiting_producer(C, N div 100)) || _ <- lists:seq(1, 100)],
    timed(fun() -> [P ! go || P <- All] end).

%% Skynet.
sky_nodes(0) -> 0;
sky_nodes(Leaves) -> Leaves + sky_nodes(Leaves div 10).

skynet(Leaves) ->
    T = now_ns(),
    Root = self(),
    spawn(fun() -> sky(Root, 0, Leaves) end),
    Want = Leaves * (Leaves - 1) div 2,
    receive Want -> now_ns() - T end.

sky(Parent, First, 1) -> Parent ! First;
sky(Parent, First, Size) ->
    sky_spawn(self(), First, Size div 10, 10),
    Parent ! sky_sum(10, 0).

sky_spawn(_, _, _, 0) -> ok;
sky_spawn(Self, First, Size, K) ->
    spawn(fun() -> sky(Self, First, Size) end),
    sky_spawn(Self, First + Size, Size, K - 1).

sky_sum(0, Sum) -> Sum;
sky_sum(K, Sum) -> receive V -> sky_sum(K - 1, Sum + V) end.

%% Ask: a fresh reference for each request.
server() ->
    receive
        {Ref, From, V} -> From ! {Ref, V + 1}, server();
        bye -> ok
    end.

ask(N, SchedulerA, SchedulerB) ->
    S = spawn_on(fun server/0, SchedulerB),
    Root = self(),
    timed(fun() ->
        spawn_on(fun() -> ask_loop(S, N), Root ! {done, now_ns()} end, SchedulerA)
    end).

ask_loop(S, 0) -> S ! bye;
ask_loop(S, N) ->
    Ref = make_ref(),
    S ! {Ref, self(), N},
    receive {Ref, _} -> ask_loop(S, N - 1) end.

%% With a limit: what gen_server:call does (monitor with alias, 5 s, demonitor and flush).
call_server() ->
    receive
        {'$gen_call', {_, [alias | Alias] = Tag}, V} -> Alias ! {Tag, V + 1}, call_server();
        bye -> ok
    end.

ask_limit(N) ->
    S = spawn(fun call_server/0),
    Root = self(),
    timed(fun() -> spawn(fun() -> call_loop(S, N), Root ! {done, now_ns()} end) end).

call_loop(S, 0) -> S ! bye;
call_loop(S, N) ->
    {ok, _} = gen:call(S, '$gen_call', N, 5000),
    call_loop(S, N - 1).

%% Idle: 1,000 at a time, for a parent with a long queue pays for it in every collection.
idle_batches(0, _) -> ok;
idle_batches(N, Root) ->
    Batch = min(N, 1000),
    idle_spawn(Batch, Root),
    idle_wait(Batch),
    idle_batches(N - Batch, Root).

idle_spawn(0, _) -> ok;
idle_spawn(N, Root) ->
    P = spawn(fun() -> idle(0) end),
    P ! {N, Root},
    idle_spawn(N - 1, Root).

idle_wait(0) -> ok;
idle_wait(N) -> receive ok -> idle_wait(N - 1) end.

idle(State) -> receive {V, Root} -> Root ! ok, idle(State + V) end.

%% Spawn and exit, 1,000 alive.
spawn_exit(N) ->
    Root = self(),
    timed(fun() ->
        spawn(fun() ->
            spawn_many(1000),
            spawn_loop(1000, 0, N),
            Root ! {done, now_ns()}
        end)
    end).

spawn_many(0) -> ok;
spawn_many(K) -> spawn_one(), spawn_many(K - 1).

spawn_one() ->
    P = spawn(fun() -> receive {V, Root} -> Root ! V end end),
    P ! {1, self()}.

spawn_loop(_, N, N) -> ok;
spawn_loop(Sent, Done, N) ->
    receive _ -> ok end,
    if
        Sent < N -> spawn_one(), spawn_loop(Sent + 1, Done + 1, N);
        true -> spawn_loop(Sent, Done + 1, N)
    end.
